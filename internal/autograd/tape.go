// Package autograd runs the operations of a kernels.Backend and, in training, records
// them on a [Tape] for the backward pass.
//
// It contains no numerics: each method of Tape checks shapes, allocates the result,
// calls one operation and records the matching Grad call. A wrong shape is a bug in the
// model and panics.
//
// # Memory ownership
//
// The tape owns every result and frees it as soon as it is no longer needed:
//
//   - Inference: after the operation that takes it as its [Last] use, at the end of
//     the [Tape.Block] that made it, or at [Tape.Reset].
//   - Training: when it is released and no recorded operation reads it in the
//     backward pass; otherwise right after its own operation's backward has run,
//     together with its gradient. [Tape.Keep] postpones this to Reset.
//
// Leaves (parameters, images) belong to the caller and are never freed here.
package autograd

import (
	"slices"
	"time"

	"clusir/internal/kernels"
)

// Tape runs operations. If Train is set, it also records them for Backward. The fields
// may be changed before the first operation and after Reset.
type Tape struct {
	B         kernels.Backend
	Train     bool
	Recompute bool // trade time for memory in Block

	// MACs counts the multiply-accumulates of convolutions and matrix products in
	// forward passes as the formulas state them, whatever a backend does to save some:
	// convolutions, linear layers, q·kᵀ and A·v of both attentions, the mixing of
	// prompt components, and the experts that run. It leaves out norms, softmax,
	// transforms (Haar, Fourier), interpolation, per-sample filters, gates, losses, and
	// recomputation.
	MACs int64
	// Trace, if set, is called for every operation. The tape then waits for each
	// operation, so that the time it reports is that operation's alone.
	Trace func(Event)
	// Peers, if set, are the ranks that train on parts of this batch: BatchNorm in
	// training and Gather see the batch of all ranks.
	Peers Peers
	// Before, if set, is called before every operation; MACs then tells how far the
	// pass has come. If it returns an error, the pass panics with a *Stopped, after
	// which only Reset may be called.
	Before func() error

	ops     []op
	made    []*node  // results in order of creation, including freed ones
	serial  int      // number of the last result
	capture *capture // set while a block runs that will be recomputed
	replay  bool     // set while a block runs for the second time
	fault   error    // the error of a Sync for Trace
}

// Event is one operation seen by Tape.Trace.
type Event struct {
	Op       string // as named in package kernels
	Backward bool
	MACs     int64 // 0 in the backward pass
	Time     time.Duration
}

// op is one operation: how to run it and what its backward needs.
type op struct {
	name     string
	macs     int
	in, out  []*Var
	keep     []*Var // those of in and out whose values grad reads
	residual *Var   // an input that is added to the result: its gradient is dy
	run      func()
	grad     func() // nil if there is only the residual
	block    bool   // grad runs operations itself
}

func vars(vs ...*Var) []*Var { return vs }

func (t *Tape) recording() bool { return t.Train && t.capture == nil }

// Replaying reports whether a block runs for the second time. Code that observes
// values, or changes anything but values, must skip the second run.
func (t *Tape) Replaying() bool { return t.replay }

// apply runs o and records it if a gradient will be needed.
func (t *Tape) apply(o op) {
	for _, vs := range [][]*Var{o.in, o.keep} {
		for _, v := range vs {
			v.mustLive(o.name)
			t.capture.add(v)
		}
	}
	t.exec(Event{Op: o.name, MACs: int64(o.macs)}, o.run)
	if !t.replay {
		t.MACs += int64(o.macs)
	}
	if t.recording() && len(o.out) > 0 && anyNeeds(o.in) {
		t.record(o)
	}
	for _, v := range o.in {
		if v != nil && v.last {
			t.release(v)
		}
	}
}

// result is apply for an operation whose only result is y, which it returns.
func (t *Tape) result(y *Var, o op) *Var {
	o.out = vars(y)
	t.apply(o)
	return y
}

// linear is result for an operation of one input whose gradient needs only that of y.
func (t *Tape) linear(name string, y, x *Var, run func(y, x kernels.Tensor), grad func(dx, dy kernels.Tensor)) *Var {
	return t.result(y, op{
		name: name, in: vars(x),
		run:  func() { run(y.Tensor, x.Tensor) },
		grad: func() { grad(t.grad(x), t.grad(y)) },
	})
}

// binary is result for an operation of two inputs whose gradient reads both.
func (t *Tape) binary(name string, macs int, y, a, b *Var, run func(y, a, b kernels.Tensor), grad func(da, db, dy, a, b kernels.Tensor)) *Var {
	return t.result(y, op{
		name: name, macs: macs, in: vars(a, b), keep: vars(a, b),
		run:  func() { run(y.Tensor, a.Tensor, b.Tensor) },
		grad: func() { grad(t.grad(a), t.grad(b), t.grad(y), a.Tensor, b.Tensor) },
	})
}

func (t *Tape) record(o op) {
	for _, y := range o.out {
		y.needs = true
	}
	for _, v := range o.keep {
		if v != nil {
			v.kept++
		}
	}
	expect(o.in)
	t.ops = append(t.ops, o)
}

// exec calls f, timing it if Trace is set, and skips it on a backend without numbers.
func (t *Tape) exec(e Event, f func()) {
	if t.Before != nil {
		if err := t.Before(); err != nil {
			panic(&Stopped{err})
		}
	}
	start := time.Now()
	if !t.dry() {
		f()
	}
	if t.Trace == nil {
		return
	}
	if err := t.B.Sync(); err != nil && t.fault == nil {
		t.fault = err
	}
	e.Time = time.Since(start)
	t.Trace(e)
}

// Sync waits for all work and returns the device's first fault.
func (t *Tape) Sync() error {
	err := t.fault
	t.fault = nil
	if e := t.B.Sync(); err == nil {
		err = e
	}
	return err
}

// Seed states that the objective contains Weight times the value(s) of Of.
type Seed struct {
	Of     *Var
	Weight float32
}

// Backward adds the gradients of Σ weight·of to the leaves that want them, and discards
// the recorded operations.
func (t *Tape) Backward(seeds ...Seed) {
	for _, s := range seeds {
		if dy := t.grad(s.Of); !dy.IsZero() {
			t.B.Fill(dy, s.Weight)
		}
	}
	t.unwind(0)
}

// unwind runs the operations recorded since mark backwards, last first.
func (t *Tape) unwind(mark int) {
	for i := len(t.ops) - 1; i >= mark; i-- {
		o := t.ops[i]
		t.ops[i] = op{}
		t.ops = t.ops[:i]
		t.back(o)
	}
}

// back runs one operation backwards. If no seed depends on the operation's results,
// there is nothing to do.
func (t *Tape) back(o op) {
	if slices.ContainsFunc(o.out, func(v *Var) bool { return !v.grad.IsZero() }) {
		switch {
		case o.block:
			o.grad()
		case t.dry():
			for _, v := range o.in {
				if v != o.residual {
					t.grad(v)
				}
			}
		case o.grad != nil:
			t.exec(Event{Op: o.name, Backward: true}, o.grad)
		}
		t.passOn(o.residual, o.out[0])
	}
	for _, y := range o.out {
		t.freeGrad(y.node)
		if !y.pinned {
			t.free(y.node)
		}
	}
	t.unkeep(o.keep)
	settle(o.in, true)
}

func (t *Tape) unkeep(vs []*Var) {
	for _, v := range vs {
		if v != nil {
			v.kept--
			t.reap(v.node)
		}
	}
}

// passOn adds dy to the gradient of x. If x has none yet, it takes over dy's memory,
// which y's operation no longer needs.
func (t *Tape) passOn(x, y *Var) {
	switch {
	case x == nil || !x.needs:
	case x.grad.IsZero():
		x.grad, y.grad = y.grad, kernels.Tensor{}
	default:
		t.B.Add(x.grad, x.grad, y.grad, 1)
	}
}

func anyNeeds(vs []*Var) bool {
	return slices.ContainsFunc(vs, func(v *Var) bool { return v != nil && v.needs })
}
