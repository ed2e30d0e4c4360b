// Package restore restores pictures: it finds them, cuts those that do not fit into
// memory into tiles, runs the network and writes results that keep what the files
// contained.
//
// A [Request] is what a user asks for; its Plan is a list of jobs. [Run] does them in
// three overlapping stages: reading, computing and writing. The stages exchange bands,
// which are as wide as the picture and as high as a tile, and strips of finished rows,
// so that neither a picture nor its result needs to be in memory as a whole.
//
// # Tiles
//
// Tiles overlap and are blended. What the network computes from a picture as a whole
// (which experts run, the prompts, the channel attention, FSB's filter) is computed once,
// from a sample of pieces from all over the picture, and shared by its tiles. The Fourier
// step is separate for each tile: see docs/adr/0005.
package restore

import (
	"context"
	"errors"
	"image"
	"io"
	"iter"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"clusir/internal/imageio"
	"clusir/internal/infer"
	"clusir/internal/sysmem"
)

// Choices are the settings for restoring a picture.
type Choices struct {
	Strength  float32 // of the result over the input, 0 to 1
	Tile      int     // side of the tiles in pixels, TileWhole or TileAuto
	MaxPixels int64   // of one picture, 0 for imageio.DefaultMaxPixels
	Encode    imageio.Options
}

// Options are the settings of a run. In the zero value, Tile is TileWhole and nothing
// is limited.
type Options struct {
	Choices
	MaxMemory int64 // bytes of host memory, 0 for no limit
	// DeviceMemory is the memory, in bytes, of a device with its own memory that holds
	// the network; 0 if the network is in host memory.
	DeviceMemory int64

	Stdin  io.Reader
	Stdout io.Writer

	// Progress, if set, receives, several times within each pass of the network, the
	// index of the job being computed and the share of it that is done. For each job
	// the share begins at 0, rises, and ends at 1 unless the picture fails. It is
	// called from one goroutine.
	Progress func(index int, job Job, done float64)
	// Done receives each picture in job order, from one goroutine.
	Done func(Result)
}

// Result is the outcome for a picture.
type Result struct {
	Job
	W, H, Depth   int
	Inside        image.Rectangle // what the network restores: all but bars
	Pages         int             // number of pages of a TIFF that has several, all restored; W and H are the first's
	TileW, TileH  int             // of the largest tile
	Tiles         int
	Routing       []StageRouting // nil without experts
	Notes         []string       // what could not be kept of the file
	Load, Compute time.Duration  // time spent, not waiting
	Save          time.Duration
	Err           error
}

// barred reports whether there are bars around the picture.
func (r Result) barred() bool {
	return !r.Inside.Empty() && r.Inside != image.Rect(0, 0, r.W, r.H)
}

// run is the state of a Run.
type run struct {
	Options
	ctx         context.Context
	stop        context.CancelCauseFunc
	net         *infer.Network
	planner     planner
	maxTileSide int                 // largest side of a tile, in pixels, that fits on the device; 0 if unknown
	memory      *semaphore.Weighted // memory for the pictures in flight
	budget      int64
	outside     int64 // bytes taken by the program and the weights
	summary     Summary
	panicked    atomic.Pointer[any]
	openFile    func(path string, l imageio.Limits) (*imageio.Image, error)
}

// Run restores the pictures. It takes the next job when there is room to read its
// picture, while earlier ones are computed and written. One that cannot be restored
// becomes a Result with an error, and the others continue, unless the disk is full: then
// those left have no Result. Run's own error is why the context ended.
func Run(ctx context.Context, net *infer.Network, jobs iter.Seq[Job], o Options) (Summary, error) {
	return newRun(net, o).all(ctx, jobs)
}

func newRun(net *infer.Network, o Options) *run {
	return &run{
		Options: o, net: net, openFile: imageio.Open,
		planner: planner{config: net.Model.Config, padded: net.Padded, ensemble: net.Ensemble > 0, limit: o.MaxMemory, device: o.DeviceMemory},
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

// guard runs a stage. A panic outside the work on a picture, in a caller's function,
// ends the other stages, so that they can remove partial files, and is re-raised by
// Run.
func (r *run) guard(stage func()) {
	defer func() {
		if p := recover(); p != nil {
			r.panicked.CompareAndSwap(nil, &p)
			r.stop(errors.New("internal error"))
		}
	}()
	stage()
}

// limitHeap makes the garbage collector work harder before finished pictures push the
// process over its budget, of which a pass of the network takes pass bytes.
func (r *run) limitHeap(pass int64) {
	if r.MaxMemory > 0 {
		debug.SetMemoryLimit(max((r.MaxMemory-r.outside-pass)*37/40, sysmem.LeastHeap)) // exceeds the limit slightly
	}
}
