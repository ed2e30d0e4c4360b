// Package restore restores pictures: it finds them, cuts those into tiles that
// do not fit into memory, runs the network and writes results that keep what
// the files held.
//
// A [Request] is what a user asks for; its Plan is a list of jobs. [Run] does
// them in three stages that overlap: reading, computing and writing. Between
// them go bands, which are as wide as the picture and as high as a tile, and
// strips of finished rows, so that neither a picture nor its result need ever
// be in memory as a whole.
//
// # Tiles
//
// Tiles overlap and fade into each other. What the network finds out about a
// picture as a whole (which experts run, the prompts, the channel attention, FSB's
// filter) is found out once, on a sample of pieces from all over the picture, and
// shared by its tiles. The Fourier step is each tile's own: see docs/adr/0005.
package restore

import (
	"context"
	"errors"
	"io"
	"iter"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"clusir/internal/imageio"
	"clusir/internal/infer"
	"clusir/internal/sysmem"
)

// Choices are how a picture is restored.
type Choices struct {
	Strength  float32 // of the result over the input, 0 to 1
	Tile      int     // side of the tiles in pixels, TileWhole or TileAuto
	MaxPixels int64   // of one picture, 0 for imageio.DefaultMaxPixels
	Encode    imageio.Options
}

// Options are the choices of a run. Of the zero value, Tile is TileWhole and
// nothing is limited.
type Options struct {
	Choices
	MaxMemory int64 // bytes of the host, 0 for no limit
	// DeviceMemory is the bytes of a device of its own memory, where the network
	// then is; 0 where it computes in the host's.
	DeviceMemory int64

	Stdin  io.Reader
	Stdout io.Writer

	// Progress, if set, receives from one goroutine, several times within each pass
	// of the network, which of the jobs is computed, from 0, and what share of it is
	// done. For one job that begins at 0, rises, and ends at 1 unless the picture fails.
	Progress func(index int, job Job, done float64)
	// Done receives each picture in the order of the jobs, from one goroutine.
	Done func(Result)
}

// Result says what became of a picture.
type Result struct {
	Job
	W, H, Depth   int
	Pages         int // of a TIFF that has several, which are all restored; W and H are the first's
	TileW, TileH  int // of the largest tile
	Tiles         int
	Routing       []StageRouting // none without experts
	Notes         []string       // what of the file could not be kept
	Load, Compute time.Duration  // spent, not waited for
	Save          time.Duration
	Err           error
}

// run is a Run's state.
type run struct {
	Options
	ctx      context.Context
	stop     context.CancelCauseFunc
	net      *infer.Network
	planner  planner
	most     int                 // pixels of a tile's side that the device has memory for; 0 is not known
	memory   *semaphore.Weighted // what the pictures in flight need
	budget   int64
	outside  int64 // bytes that the program and the weights have
	summary  Summary
	panicked atomic.Pointer[any]
	openFile func(path string, l imageio.Limits) (*imageio.Image, error)
}

// Run restores the pictures. One that cannot be restored is a Result with an
// error, and the others go on; the error of Run itself is why all of it ended.
func Run(ctx context.Context, net *infer.Network, jobs []Job, o Options) (Summary, error) {
	for _, j := range jobs {
		if j.Map != "" && !net.Model.Config.UseMoE {
			return Summary{}, errNoRouter
		}
	}
	return newRun(net, o).all(ctx, slices.Values(jobs))
}

// RunAll is Run for jobs that are not known beforehand. It asks for the next one
// when there is room to read it, while those before it are computed and written.
func RunAll(ctx context.Context, net *infer.Network, jobs iter.Seq[Job], o Options) (Summary, error) {
	return newRun(net, o).all(ctx, jobs)
}

var errNoRouter = errors.New("the model has no router, so it has nothing to explain: leave out --explain")

func newRun(net *infer.Network, o Options) *run {
	return &run{
		Options: o, net: net, openFile: imageio.Open,
		planner: planner{config: net.Model.Config, padded: net.Padded, ensemble: net.Ensemble, limit: o.MaxMemory, device: o.DeviceMemory},
	}
}

func (r *run) all(ctx context.Context, jobs iter.Seq[Job]) (Summary, error) {
	if r.budget = r.MaxMemory; r.budget == 0 {
		r.budget = 1 << 62
	}
	r.memory = semaphore.NewWeighted(r.budget)
	r.ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	r.outside = sysmem.OutsideGo()
	r.limitHeap(0)

	start := time.Now()
	opened, computed := make(chan *picture, 1), make(chan *picture, 1)
	var stages sync.WaitGroup
	stages.Go(func() { defer close(opened); r.guard(func() { r.readAll(jobs, opened) }) })
	stages.Go(func() { defer close(computed); r.guard(func() { r.computeAll(opened, computed) }) })
	stages.Go(func() { r.guard(func() { r.writeAll(computed) }) })
	stages.Wait()
	if p := r.panicked.Load(); p != nil {
		panic(*p)
	}
	r.summary.Time = time.Since(start)
	return r.summary, ctx.Err()
}

// guard runs a stage. A panic outside of the work on a picture, in a caller's
// function, ends the others, so that they can remove what is half written, and is
// re-raised by Run.
func (r *run) guard(stage func()) {
	defer func() {
		if p := recover(); p != nil {
			r.panicked.CompareAndSwap(nil, &p)
			r.stop(errors.New("internal error"))
		}
	}()
	stage()
}

// limitHeap makes the garbage collector work harder before pictures that are done
// with push the process over its budget, of which a pass of the network takes so much.
func (r *run) limitHeap(pass int64) {
	if r.MaxMemory > 0 {
		debug.SetMemoryLimit(max((r.MaxMemory-r.outside-pass)*37/40, sysmem.LeastHeap)) // which it exceeds by little
	}
}
