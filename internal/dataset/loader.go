package dataset

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Batch is B training samples.
type Batch struct {
	Step          int // the batch's position in the stream, from 0
	B, P          int
	Input, Target []float32 // [B,3,P,P] in 0..1
	Info          []Info
	// First is, for each part, the position in the whole batch of its first sample.
	First []int
}

// LoadOptions says how a set's samples are batched. The zero values of Workers, Ahead,
// Rank, Ranks and Parts mean 1 worker, 2 batches, rank 0 of 1, 1 part.
type LoadOptions struct {
	Batch   int // samples in a batch, over all ranks
	First   int // the first step, for a resumed run
	Workers int // samples that are prepared in parallel
	Ahead   int // batches that are kept ready
	// Rank and Ranks divide each batch: this loader delivers only its rank's samples.
	Rank, Ranks int
	// Parts is the number of parts in which a batch is computed, each by all ranks
	// together: whatever the number of ranks, a part consists of the same samples.
	Parts int
}

// first returns the position in a batch of the first sample of one of this rank's
// parts.
func (o LoadOptions) first(part int) int {
	return o.Batch/o.Parts*part + o.Batch/o.Parts/o.Ranks*o.Rank
}

// Loader delivers batches in order. Epochs run into one another: step k holds the
// samples k·B to (k+1)·B−1 of the stream, so that no sample is left out and a batch may
// be larger than the set.
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

// Load starts to prepare batches. The caller must close the loader.
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
	l.wg.Go(func() { l.produce(jobs) })
	for range opts.Workers {
		l.wg.Go(func() {
			for job := range jobs {
				job()
			}
		})
	}
	return l, nil
}

// Next waits for the next batch. Its error names the file that failed, or is that of
// the loader's context.
func (l *Loader) Next() (*Batch, error) {
	var done chan result // nil once the context has ended
	select {
	case done = <-l.order:
	case <-l.ctx.Done():
	}
	select {
	case r := <-done:
		return r.batch, r.err
	case <-l.ctx.Done():
		return nil, context.Cause(l.ctx)
	}
}

// Close stops the workers and waits for them.
func (l *Loader) Close() {
	l.cancel()
	l.wg.Wait()
}

// produce hands out the samples of one batch after the other. l.order receives the
// batches in step order; each batch sends itself when its last sample is in place.
func (l *Loader) produce(jobs chan<- func()) {
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
	size := b / l.opts.Parts // samples in a part
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
