package dataset

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Batch is B training samples.
type Batch struct {
	Step          int // the batch's place in the stream, from 0
	B, P          int
	Input, Target []float32 // [B,3,P,P] in 0..1
	Info          []Info
	// First is, for each part, the place in the whole batch of its first sample.
	First []int
}

// LoadOptions says how a set's samples come in batches. The zero values of
// Workers, Ahead, Rank, Ranks and Parts mean 1 worker, 2 batches, rank 0 of 1,
// 1 part.
type LoadOptions struct {
	Batch   int // samples in a batch, over all ranks
	First   int // the step to begin with, for a run that goes on
	Workers int // samples that are prepared at the same time
	Ahead   int // batches that are kept ready
	// Rank and Ranks share each batch out: this loader delivers the samples of
	// its rank alone.
	Rank, Ranks int
	// Parts is in how many parts a batch is computed, each by all ranks
	// together: whatever their number, a part consists of the same samples.
	Parts int
}

// first returns the place in a batch of the first sample of a part of this rank.
func (o LoadOptions) first(part int) int {
	return o.Batch/o.Parts*part + o.Batch/o.Parts/o.Ranks*o.Rank
}

// Loader delivers batches in order. The epochs run into one another: step k
// holds the samples k·B to (k+1)·B−1 of the stream, so no sample is left out
// and a batch may be larger than the set.
type Loader struct {
	set    *Set
	opts   LoadOptions
	ctx    context.Context
	cancel context.CancelFunc
	order  chan chan result
	wg     sync.WaitGroup
}

type result struct {
	batch *Batch
	err   error
}

// Load starts to prepare batches. Close the loader when done with it.
func (s *Set) Load(ctx context.Context, opts LoadOptions) (*Loader, error) {
	opts.Workers, opts.Ahead, opts.Ranks = max(opts.Workers, 1), max(opts.Ahead, 2), max(opts.Ranks, 1)
	opts.Parts = max(opts.Parts, 1)
	switch {
	case opts.Batch < 1:
		return nil, fmt.Errorf("batch is %d: it must be at least 1", opts.Batch)
	case opts.Batch%(opts.Ranks*opts.Parts) != 0:
		return nil, fmt.Errorf("a batch of %d does not divide among %d ranks in %d parts: choose a multiple of %d",
			opts.Batch, opts.Ranks, opts.Parts, opts.Ranks*opts.Parts)
	case opts.Rank < 0 || opts.Rank >= opts.Ranks:
		return nil, fmt.Errorf("rank %d is not one of 0..%d", opts.Rank, opts.Ranks-1)
	case opts.First < 0:
		return nil, fmt.Errorf("first step is %d: it must not be negative", opts.First)
	}
	ctx, cancel := context.WithCancel(ctx)
	l := &Loader{set: s, opts: opts, ctx: ctx, cancel: cancel, order: make(chan chan result, opts.Ahead)}
	jobs := make(chan func())
	l.wg.Add(1 + opts.Workers)
	go l.produce(jobs)
	for range opts.Workers {
		go func() {
			defer l.wg.Done()
			for job := range jobs {
				job()
			}
		}()
	}
	return l, nil
}

// Next waits for the next batch. Its error names the file that failed, or is
// that of the loader's context.
func (l *Loader) Next() (*Batch, error) {
	select {
	case done, ok := <-l.order:
		if !ok {
			return nil, context.Cause(l.ctx)
		}
		select {
		case r := <-done:
			return r.batch, r.err
		case <-l.ctx.Done():
			return nil, context.Cause(l.ctx)
		}
	case <-l.ctx.Done():
		return nil, context.Cause(l.ctx)
	}
}

// Close stops the workers and waits for them.
func (l *Loader) Close() {
	l.cancel()
	l.wg.Wait()
}

// produce hands out the samples of one batch after the other. The order of
// l.order is that of the steps; each batch sends itself when its last sample is
// in place.
func (l *Loader) produce(jobs chan<- func()) {
	defer l.wg.Done()
	defer close(l.order)
	defer close(jobs)
	for step := l.opts.First; ; step++ {
		done := make(chan result, 1)
		select {
		case l.order <- done:
		case <-l.ctx.Done():
			return
		}
		for _, job := range l.jobs(step, done) {
			select {
			case jobs <- job:
			case <-l.ctx.Done():
				return
			}
		}
	}
}

// jobs returns one function per sample of the step's batch.
func (l *Loader) jobs(step int, done chan<- result) []func() {
	b, p := l.opts.Batch/l.opts.Ranks, l.set.opts.Patch
	n := 3 * p * p
	batch := &Batch{Step: step, B: b, P: p, Input: make([]float32, b*n), Target: make([]float32, b*n), Info: make([]Info, b)}
	for part := range l.opts.Parts {
		batch.First = append(batch.First, l.opts.first(part))
	}
	size := b / l.opts.Parts // samples of a part
	errs := make([]error, b)
	var left atomic.Int64
	left.Store(int64(b))
	jobs := make([]func(), b)
	for i := range jobs {
		jobs[i] = func() {
			at := step*l.opts.Batch + batch.First[i/size] + i%size
			batch.Info[i], errs[i] = l.set.Sample(batch.Input[i*n:][:n], batch.Target[i*n:][:n], at/l.set.Len(), at%l.set.Len())
			if left.Add(-1) > 0 {
				return
			}
			for _, err := range errs {
				if err != nil {
					done <- result{nil, fmt.Errorf("training sample: %w", err)}
					return
				}
			}
			done <- result{batch, nil}
		}
	}
	return jobs
}
