// Package bench measures the network: its cost in counts (parameters,
// multiply-accumulates) and on a device (time, memory, the share of the device's peak),
// in inference and in training.
package bench

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/sysmem"
	"clusir/internal/usage"
)

// Options say what to measure. Each of Sizes is measured with each of Threads.
type Options struct {
	Subject Subject
	Sizes   []Size
	Threads []int // 0 means all processors
	Batch   int
	// Train measures training steps instead of inference: forward, the objective,
	// backward and Adam.
	Train     bool
	Objective model.Objective
	Warmup    int // passes that are not counted
	Runs      int // passes that are counted; 0 only counts parameters and MACs
	Profile   bool
	// Memory is the machine's free memory, in bytes; 0 for no limit.
	Memory int64
	// Peak also measures the device's peak, to compute the share of it.
	Peak bool
	// Open returns a device and its name.
	Open func(threads int) (kernels.Backend, string, error)
	// Progress, if set, is called before each of a measurement's passes and after the
	// last, with the number done and the measurement's name.
	Progress func(done, passes int, of string)
}

// Limits of the options: as many threads as settings allow, and passes whose times fit
// into memory.
const (
	maxThreads = 1024
	maxRuns    = 1_000_000
)

// validate returns an error that names what is wrong and its remedy.
func (o Options) validate() error {
	if err := o.Subject.Config.Validate(); err != nil {
		return err
	}
	switch {
	case o.Batch < 1:
		return usage.Errorf("--batch %d: use 1 or more", o.Batch)
	case o.Train && o.Batch < o.Subject.Config.MinTrainingBatch():
		return usage.Errorf("--train %d: BatchNorm needs %d or more", o.Batch, o.Subject.Config.MinTrainingBatch())
	case min(o.Warmup, o.Runs) < 0 || max(o.Warmup, o.Runs) > maxRuns:
		return usage.Errorf("--runs %d after --warmup %d: both must be in 0..%d", o.Runs, o.Warmup, maxRuns)
	case o.Profile && o.Runs == 0:
		return usage.Errorf("a profile needs runs: use 1 or more")
	case len(o.Sizes) == 0 || len(o.Threads) == 0:
		return fmt.Errorf("nothing to measure: give a size and a number of threads")
	}
	for _, t := range o.Threads {
		if t < 0 || t > maxThreads {
			return usage.Errorf("--threads %d: use 1 to %d, or 0 for all processors", t, maxThreads)
		}
	}
	for _, s := range o.Sizes {
		if err := s.check(o.Subject.Config); err != nil {
			return err
		}
	}
	return nil
}

// Run measures until it is done or ctx ends, which is an error.
func Run(ctx context.Context, o Options) ([]Result, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	var results []Result
	for _, threads := range o.Threads {
		peak := peak{}
		for _, size := range o.Sizes {
			r, err := o.count(size)
			if err == nil && o.Runs > 0 {
				err = o.measure(ctx, &r, threads, &peak)
			}
			if err != nil {
				return nil, err
			}
			results = append(results, r)
		}
	}
	compare(results)
	return results, nil
}

// count fills in what is known without a device.
func (o Options) count(s Size) (Result, error) {
	cost, err := model.CostOf(o.Subject.Config, 1, s.H, s.W)
	if err != nil {
		return Result{}, err
	}
	r := Result{
		Model: o.Subject.Name, Size: s, Width: s.W, Height: s.H, Batch: o.Batch, Train: o.Train,
		Params: cost.Params, GMACs: cost.GMACs() * float64(o.Batch), Warmup: o.Warmup, Runs: o.Runs,
	}
	if o.Train {
		r.GMACs *= trainingPasses
	}
	return r, nil
}

// measure fills in what the device reports. It reopens the device, so that no memory of
// the previous measurement counts; p keeps the device's peak.
func (o Options) measure(ctx context.Context, r *Result, threads int, p *peak) error {
	if measured { // the first measurement includes the start of the program
		sysmem.ResetPeakRSS()
	}
	measured = true
	b, device, err := o.Open(threads)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := o.checkMemory(r.Size, b); err != nil {
		return err
	}
	w, err := newWorkload(o, b, r.Size)
	if err != nil {
		return err
	}
	defer w.free()
	r.Threads, r.Device = cmp.Or(threads, runtime.GOMAXPROCS(0)), device
	if p, ok := b.(kernels.Precise); ok {
		r.Precision = p.Precision()
	}
	if isa, ok := strings.CutPrefix(device, "cpu "); ok {
		r.ISA = isa
	}
	if err := o.time(ctx, r, w); err != nil {
		return err
	}
	r.PeakRSSMB = megabytes(sysmem.PeakRSS())
	if own, ok := b.(kernels.OwnMemory); ok {
		_, peak, _ := own.MemoryUse()
		r.PeakDeviceMB = megabytes(peak)
	}
	if o.Profile {
		if r.Profile, err = w.profile(min(o.Runs, profileRuns)); err != nil {
			return err
		}
	}
	if o.Peak {
		p.measure(b)
		r.DevicePeak, r.PeakOp = p.rate, p.op
	}
	r.rates()
	return b.Sync()
}

func (o Options) time(ctx context.Context, r *Result, w *workload) error {
	for i := range o.Warmup + o.Runs {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted at %s with %s, before anything was reported", r.Size, counted(r.Threads))
		}
		o.say(r, i)
		start := time.Now()
		if err := w.pass(); err != nil {
			return err
		}
		if i >= o.Warmup {
			r.Ms = append(r.Ms, float64(time.Since(start).Nanoseconds())/1e6)
		}
	}
	o.say(r, o.Warmup+o.Runs)
	return nil
}

// say reports the number of passes done.
func (o Options) say(r *Result, done int) {
	if o.Progress != nil {
		o.Progress(done, o.Warmup+o.Runs, fmt.Sprintf("%s %s, %s", r.Model, r.Size, counted(r.Threads)))
	}
}

// measured is set by the first measurement.
var measured bool
