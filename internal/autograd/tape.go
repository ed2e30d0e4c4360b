// Package autograd runs the operations of a kernels.Backend and, while
// training, records them on a [Tape] for the way back.
//
// It holds no numerics: each method of Tape checks shapes, allocates the
// result, calls one operation and remembers the matching Grad call. A wrong
// shape is a bug of the model and panics.
//
// # Who owns memory
//
// The tape owns every result. It frees one as soon as nobody can ask for it:
//
//   - Inference: after the operation that takes it as its [Last] use, at the end of
//     the [Tape.Block] that made it, or at [Tape.Reset].
//   - Training: when it is released and no recorded operation reads it on the
//     way back; else right after its own operation's backward has run, its
//     gradient with it. [Tape.Keep] postpones this to Reset.
//
// Leaves (parameters, images) belong to the caller and are never freed here.
package autograd

import (
	"time"

	"clusir/internal/kernels"
)

// Tape runs operations. With Train set it also records them for Backward.
// The fields may be set before the first operation and after Reset.
type Tape struct {
	B         kernels.Backend
	Train     bool
	Recompute bool // trade time for memory in Block

	// MACs counts the multiply-accumulates of convolutions and matrix products
	// that ran forward, as the formulas have them, whatever a backend does to
	// save some: convolutions, linear layers, q·kᵀ and A·v of both attentions,
	// the mixing of prompt components, and of the experts those that run. Not
	// norms, softmax, transforms (Haar, Fourier), interpolation, per-sample
	// filters, gates or losses, nor what is computed a second time.
	MACs int64
	// Trace, if set, is called for every operation. It makes the tape wait for
	// each one, so that the time is that operation's own.
	Trace func(Event)
	// Peers, where set, are those that this batch is shared with: BatchNorm in
	// training and Gather see the batch of all ranks.
	Peers Peers
	// Before, if set, is called before every operation, when MACs tells how far
	// the pass is. If it returns an error the pass ends in a panic with *Stopped,
	// after which only Reset may be called.
	Before func() error

	ops     []op
	made    []*node  // results in the order of their making, freed ones included
	serial  int      // number of the last result
	capture *capture // set while a block runs that will be recomputed
	replay  bool     // a block runs for the second time
	fault   error    // what a Sync for Trace found
}

// Event is one operation seen by Tape.Trace.
type Event struct {
	Op       string // its name in kernels
	Backward bool
	MACs     int64 // 0 backwards
	Time     time.Duration
}

// op is one operation: how to run it and what its way back needs.
type op struct {
	name     string
	macs     int
	in, out  []*Var
	keep     []*Var // those of in and out whose values grad reads
	residual *Var   // an input that is added to the result: its gradient is dy
	run      func()
	grad     func() // nil: the residual is all
	block    bool   // grad runs operations of its own
}

func vars(vs ...*Var) []*Var { return vs }

// recording reports whether operations are being recorded.
func (t *Tape) recording() bool { return t.Train && t.capture == nil }

// Replaying reports whether a block runs for the second time. Whoever looks at
// values from outside, or changes anything but values, does so only once.
func (t *Tape) Replaying() bool { return t.replay }

// apply runs o and records it where a gradient will be wanted.
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

// exec calls f, timed where somebody listens, and not at all without numbers.
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

// Sync waits for all work and returns the first fault of the device.
func (t *Tape) Sync() error {
	err := t.fault
	t.fault = nil
	if e := t.B.Sync(); err == nil {
		err = e
	}
	return err
}

// Seed says that the objective contains Weight times the number(s) Of.
type Seed struct {
	Of     *Var
	Weight float32
}

// Backward adds the gradients of Σ weight·of to the leaves that want one, and
// forgets the recorded operations.
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

// back runs one operation backwards. One whose results reached no seed has
// nothing to pass on.
func (t *Tape) back(o op) {
	if hasGrad(o.out) {
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

// passOn adds dy to the gradient of x. Where x has none yet it becomes dy's
// own memory: y's operation is done with it.
func (t *Tape) passOn(x, y *Var) {
	switch {
	case x == nil || !x.needs:
	case x.grad.IsZero():
		x.grad, y.grad = y.grad, kernels.Tensor{}
	default:
		t.B.Axpy(t.grad(x), t.grad(y), 1)
	}
}

func hasGrad(vs []*Var) bool {
	for _, v := range vs {
		if !v.grad.IsZero() {
			return true
		}
	}
	return false
}

func anyNeeds(vs []*Var) bool {
	for _, v := range vs {
		if v != nil && v.needs {
			return true
		}
	}
	return false
}
