package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"clusir/internal/config"
	"clusir/internal/device"
	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/parallel"
	"clusir/internal/progress"
	"clusir/internal/sysmem"
	"clusir/internal/train"
)

// ranks is the part of a run that this process has: one rank, or, where --device
// lists several devices, all of them.
type ranks struct {
	*trainOptions
	groups  []parallel.Group
	devices []string
	local   int   // the rank's number on this machine
	threads int   // of each rank
	memory  int64 // that each may take
}

// joinRanks finds out which ranks of a run this process has, and waits for the others.
func (o *trainOptions) joinRanks() (*ranks, error) {
	place, err := parallel.FromEnv(os.Getenv)
	if err != nil {
		return nil, err
	}
	r := &ranks{trainOptions: o, devices: strings.Split(o.config.Device, ","), local: place.LocalRank, threads: o.config.Threads}
	here := max(place.LocalSize, len(r.devices))
	r.memory = sysmem.Available() / int64(here)
	if r.threads == 0 && here > 1 {
		r.threads = parallel.Threads(here)
	}
	if len(r.devices) > 1 {
		if place.Size > 1 {
			return nil, fmt.Errorf("--device lists %d devices, and %s starts %d ranks: each of these has one device; name it, or leave out --device", len(r.devices), place.Launcher, place.Size)
		}
		r.groups = parallel.Local(len(r.devices))
		return r, nil
	}
	if place.Size > 1 && place.Rank == 0 && !place.MPI {
		fmt.Fprintf(o.errOut, "waiting for the other %d of %d ranks at %s\n", place.Size-1, place.Size, place.Addr)
	}
	g, err := parallel.Join(o.ctx, place)
	r.groups = []parallel.Group{g}
	return r, err
}

// run trains on all ranks that are here, the first on this goroutine, and returns
// what that has to say. Where they fail it is the one that failed by itself.
func (r *ranks) run() (*train.Result, error) {
	errs := make([]error, len(r.groups))
	var wg sync.WaitGroup
	for i := range r.groups[1:] {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					errs[i+1] = fmt.Errorf("internal error: %v", p)
					r.groups[i+1].Abort(errs[i+1])
				}
			}()
			_, errs[i+1] = r.runRank(r.groups[i+1], r.devices[i+1])
		})
	}
	var result *train.Result
	result, errs[0] = r.runRank(r.groups[0], r.devices[0])
	wg.Wait()
	var first error
	for i, err := range errs {
		told := errors.As(err, new(*parallel.RankError))
		if g := r.groups[i]; err != nil && g.Size() > 1 {
			err = fmt.Errorf("rank %d of %d: %w", g.Rank(), g.Size(), err)
		}
		if err != nil && (first == nil || !told) {
			first = err
		}
	}
	return result, first
}

// runRank trains on one rank, which leaves its group then.
func (r *ranks) runRank(g parallel.Group, name string) (_ *train.Result, err error) {
	defer func() { err = errors.Join(err, g.Close()) }()
	o := train.Options{
		Config: r.config, Group: g, Out: r.Dir, Resume: r.Resume, Memory: r.memory,
		Progress: progress.New(r.errOut, "steps"), Messages: r.errOut,
	}
	d := deviceOptions(r.config, r.ISA, r.errOut)
	d.Name, d.Training, d.LocalRank, d.Threads = name, true, r.local, r.threads
	if o.Backend, o.Device, err = device.Open(d); err != nil {
		g.Abort(err)
		return nil, err
	}
	defer o.Backend.Close()
	o.Config = r.resolved(o.Backend)
	if g.Rank() == 0 {
		if err := r.lead(&o); err != nil {
			g.Abort(err)
			return nil, err
		}
		if o.InitFrom != nil {
			defer o.InitFrom.Close()
		}
	}
	return train.Run(r.ctx, o)
}

// resolved is the configuration with the precision that auto has become.
func (r *ranks) resolved(b kernels.Backend) *config.Config {
	c := *r.config
	if p, ok := b.(kernels.Precise); ok {
		c.Precision = p.Precision()
	}
	return &c
}

// lead adds what rank 0 alone does.
func (r *ranks) lead(o *train.Options) (err error) {
	if o.Config.Precision != r.config.Precision && o.Config.Precision != "float32" {
		fmt.Fprintf(r.errOut, "training on %s: %s is what auto means on a GPU; --precision float32 rounds nothing\n", o.Device, o.Config.Precision)
	}
	if o.Validate, err = validator(r.config, r.Benchmarks, o.Backend, r.errOut); err != nil || r.InitFrom == "" {
		return err
	}
	if o.InitFrom, err = infer.Open(r.InitFrom); err != nil {
		return fmt.Errorf("--init-from: %w", err)
	}
	return nil
}
