package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"clusir/internal/checkpoint"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/device"
	"clusir/internal/eval"
	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/parallel"
	"clusir/internal/progress"
	"clusir/internal/sysmem"
)

// Launch is a run as a user starts it: on one device or several, and together with the
// processes that a launcher started.
type Launch struct {
	Config     *config.Config
	Device     device.Options // the configuration's, for each of its devices
	Benchmarks string         // a file of benchmarks to validate on, "" for the configuration's
	InitFrom   string         // an embedded model or a checkpoint to start from, "" for none
	Out        string         // the run's folder
	Resume     bool
	Messages   io.Writer
}

// Run trains on all of this process's ranks. leads reports whether rank 0, which writes
// the run's folder, is one of them.
func (l Launch) Run(ctx context.Context) (result *Result, leads bool, err error) {
	devices := l.devices()
	here, err := parallel.Enter(ctx, os.Getenv, len(devices), l.Messages)
	if err != nil {
		return nil, false, err
	}
	memory := sysmem.Available() / int64(here.LocalSize)
	err = here.Run(func(i int, g parallel.Group) error {
		r, err := l.rank(ctx, here, g, devices[i], memory)
		if i == 0 {
			result = r
		}
		return err
	})
	return result, here.Groups[0].Rank() == 0, err
}

// rank trains on one rank, which then leaves its group.
func (l Launch) rank(ctx context.Context, here *parallel.Here, g parallel.Group, d device.Options, memory int64) (_ *Result, err error) {
	defer func() { err = errors.Join(err, g.Close()) }()
	run := Options{
		Config: l.Config, Group: g, Out: l.Out, Resume: l.Resume, Memory: memory,
		Progress: progress.New(l.Messages, "steps"), Messages: l.Messages,
	}
	d.LocalRank = here.Local
	if d.Threads == 0 && here.LocalSize > 1 {
		d.Threads = parallel.Threads(here.LocalSize)
	}
	if run.Backend, run.Device, err = device.Open(d); err != nil {
		g.Abort(err)
		return nil, err
	}
	defer run.Backend.Close()
	resolved := *l.Config // with the actual precision in place of auto
	if p, ok := run.Backend.(kernels.Precise); ok {
		resolved.Precision = p.Precision()
	}
	run.Config = &resolved
	if g.Rank() == 0 {
		if err := l.lead(&run); err != nil {
			g.Abort(err)
			return nil, err
		}
		if run.InitFrom != nil {
			defer run.InitFrom.Close()
		}
	}
	return Run(ctx, run)
}

func (l Launch) devices() (all []device.Options) {
	for _, name := range strings.Split(l.Config.Device, ",") {
		d := l.Device
		d.Name, d.Training = name, true
		all = append(all, d)
	}
	return all
}

// lead does what only rank 0 does.
func (l Launch) lead(run *Options) (err error) {
	if precision := run.Config.Precision; precision != l.Config.Precision && precision != "float32" {
		fmt.Fprintf(l.Messages, "training on %s: auto means %s on a GPU; --precision float32 rounds nothing\n", run.Device, precision)
	}
	catalog, err := eval.Catalog(l.Config, l.Benchmarks)
	if err != nil {
		return err
	}
	if run.Validate, err = eval.Validator(l.Config, catalog, run.Backend, l.Messages); err != nil {
		return err
	}
	run.InitFrom, err = l.initial()
	return err
}

// initial opens the file of the first weights, nil if there is none.
func (l Launch) initial() (*checkpoint.File, error) {
	if l.InitFrom == "" {
		return nil, nil
	}
	f, err := infer.Open(l.InitFrom)
	if err != nil {
		return nil, fmt.Errorf("--init-from: %w", err)
	}
	return f, nil
}

// Check looks for anything that would end the run before its first step, and reports the
// training data to w: see [Check].
func (l Launch) Check(ctx context.Context, w io.Writer, asJSON bool) error {
	devices := l.devices()
	run := Options{Config: l.Config, Group: parallel.Local(len(devices))[0], Memory: sysmem.Available() / int64(len(devices))}
	var faults []error
	for _, d := range devices {
		b, _, err := device.Open(d)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		defer b.Close()
		run.Backend = b
	}
	catalog, err := eval.Catalog(l.Config, l.Benchmarks)
	if err == nil {
		err = eval.CheckValidation(ctx, l.Config, catalog, l.Messages)
	} else {
		catalog = dataset.Standard()
	}
	faults = append(faults, err)
	if run.InitFrom, err = l.initial(); run.InitFrom != nil {
		defer run.InitFrom.Close()
	}
	faults = append(faults, err)
	bar := progress.New(l.Messages, "images")
	reading := func(done, all int) { bar.Set(done, all, "reading images") }
	return errors.Join(append(faults, checkData(ctx, run, catalog, w, asJSON, reading))...)
}
