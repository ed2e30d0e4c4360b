package eval

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"clusir/internal/arch"
	"clusir/internal/atomicfile"
	"clusir/internal/dataset"
	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/progress"
	"clusir/internal/sysmem"
)

// Runner measures networks and other programs' pictures, one after the other, with the
// same settings.
type Runner struct {
	// Options are the default of each measurement. MaxMemory is the user's limit; 0 means
	// most of what is free.
	Options
	Jobs int // images that are measured at a time
	// Network is the source of all networks, except for the name of the model.
	Network infer.Source
	// Open opens a device, one for each of Jobs.
	Open func() (b kernels.Backend, device string, err error)
	// Folder receives a results file for each subject; "" for none.
	Folder   string
	Messages io.Writer
	// Config is the configuration of the last measured network.
	Config arch.Config
}

// memoryShare is the share of the free memory that a measurement may take.
const memoryShare = 0.75

// Sides measures several sides or reads their results.
func (r *Runner) Sides(ctx context.Context, sides []Side) (reports []*Report, err error) {
	for _, s := range sides {
		report, err := r.side(ctx, s, r.Benchmarks, nil)
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
	}
	return reports, nil
}

// side measures a side on benchmarks, or reads its results. fits is as in Options.
func (r *Runner) side(ctx context.Context, s Side, benchmarks []*dataset.Benchmark, fits func(arch.Config) error) (*Report, error) {
	if !s.Measured() {
		return Merge(s.Files...)
	}
	o := r.Options
	o.Benchmarks, o.fits = benchmarks, fits
	if r.Folder != "" {
		o.Results = filepath.Join(r.Folder, inFileNames(s.Name)+".jsonl")
		if err := atomicfile.MakeFolder(o.Results); err != nil {
			return nil, err
		}
	}
	return r.Measure(ctx, s.Subject, o)
}

// inFileNames replaces what names of files cannot hold everywhere.
func inFileNames(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|[], `, r) {
			return '-'
		}
		return r
	}, name)
}

// Measure measures a network or another program's pictures with o, a modified copy of
// the runner's options.
func (r *Runner) Measure(ctx context.Context, s Subject, o Options) (_ *Report, err error) {
	if o.MaxMemory, err = sysmem.Allow(r.MaxMemory, memoryShare); err != nil { // before the weights are loaded, as the limit includes them
		return nil, err
	}
	o.Subject = s
	jobs := max(r.Jobs, 1)
	if s.Restored != "" {
		return r.show(ctx, o, func(o Options) (*Report, error) { return runRestored(ctx, jobs, o) })
	}
	source := r.Network
	source.Model = s.Model
	c, err := infer.LoadCopies(jobs, (o.MaxMemory-infer.ProgramBytes)/2, source, r.Open) // the rest is for images
	if err != nil {
		return nil, err
	}
	defer c.Close()
	net := c.Networks[0]
	if _, own := net.Tape().B.(kernels.OwnMemory); own && r.MaxMemory == 0 {
		o.MaxMemory = 0 // the device reports when it runs out
	}
	if r.Config = net.Model.Config; o.fits != nil {
		if err := o.fits(r.Config); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Model, err)
		}
	}
	o.Subject = Subject{Model: s.Model, Weights: fingerprint(net.Model.State()), Ensemble: source.Ensemble, Device: c.Device}
	return r.show(ctx, o, func(o Options) (*Report, error) { return Run(ctx, c.Networks, o) })
}

func (r *Runner) show(ctx context.Context, o Options, run func(Options) (*Report, error)) (*Report, error) {
	bar := progress.New(r.Messages, "images")
	done, of := 0, 0
	o.Progress = func(i *ImageResult, n, all int) {
		last := "measuring"
		if done, of = n, all; i != nil && i.Err != "" {
			last = fmt.Sprintf("%s %s failed", i.Benchmark, i.Image)
		} else if i != nil {
			last = fmt.Sprintf("%s %s %.2f dB", i.Benchmark, i.Split, i.Output.PSNR)
		}
		bar.Set(done, of, last)
	}
	report, err := run(o)
	bar.Clear()
	if ctx.Err() != nil && o.Results != "" && done > 0 {
		fmt.Fprintf(r.Messages, "clusir: %d of %d images are in %s: continue with --resume\n", done, of, o.Results)
	}
	return report, err
}
