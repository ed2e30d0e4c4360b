package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"clusir/internal/config"
	"clusir/internal/device"
	"clusir/internal/eval"
	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/parallel"
	"clusir/internal/progress"
	"clusir/internal/sysmem"
	"clusir/internal/train"
)

// train trains on all of this process's ranks. It reports whether rank 0, which writes
// the run's folder, is one of them.
func (o *trainOptions) train() (result *train.Result, leads bool, err error) {
	devices := strings.Split(o.config.Device, ",")
	here, err := parallel.Enter(o.ctx, os.Getenv, len(devices), o.errOut)
	if err != nil {
		return nil, false, err
	}
	memory := sysmem.Available() / int64(here.Beside)
	err = here.Run(func(i int, g parallel.Group) error {
		r, err := o.trainRank(here, g, devices[i], memory)
		if i == 0 {
			result = r
		}
		return err
	})
	return result, here.Groups[0].Rank() == 0, err
}

// trainRank trains on one rank, which then leaves its group.
func (o *trainOptions) trainRank(here *parallel.Here, g parallel.Group, name string, memory int64) (_ *train.Result, err error) {
	defer func() { err = errors.Join(err, g.Close()) }()
	run := train.Options{
		Config: o.config, Group: g, Out: o.Dir, Resume: o.Resume, Memory: memory,
		Progress: progress.New(o.errOut, "steps"), Messages: o.errOut,
	}
	d := deviceOptions(o.config, o.ISA, o.errOut)
	d.Name, d.Training, d.LocalRank = name, true, here.Local
	if d.Threads == 0 && here.Beside > 1 {
		d.Threads = parallel.Threads(here.Beside)
	}
	if run.Backend, run.Device, err = device.Open(d); err != nil {
		g.Abort(err)
		return nil, err
	}
	defer run.Backend.Close()
	run.Config = o.resolved(run.Backend)
	if g.Rank() == 0 {
		if err := o.lead(&run); err != nil {
			g.Abort(err)
			return nil, err
		}
		if run.InitFrom != nil {
			defer run.InitFrom.Close()
		}
	}
	return train.Run(o.ctx, run)
}

// resolved returns the configuration with auto replaced by the actual precision.
func (o *trainOptions) resolved(b kernels.Backend) *config.Config {
	c := *o.config
	if p, ok := b.(kernels.Precise); ok {
		c.Precision = p.Precision()
	}
	return &c
}

// lead does what only rank 0 does.
func (o *trainOptions) lead(run *train.Options) (err error) {
	if precision := run.Config.Precision; precision != o.config.Precision && precision != "float32" {
		fmt.Fprintf(o.errOut, "training on %s: auto means %s on a GPU; --precision float32 rounds nothing\n", run.Device, precision)
	}
	if run.Validate, err = eval.Validator(o.config, o.Benchmarks, run.Backend, o.errOut); err != nil || o.InitFrom == "" {
		return err
	}
	if run.InitFrom, err = infer.Open(o.InitFrom); err != nil {
		return fmt.Errorf("--init-from: %w", err)
	}
	return nil
}
