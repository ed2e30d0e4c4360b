package autograd

import "clusir/internal/kernels"

// Peers are the ranks that share a batch: each holds the same number of its samples,
// and all of them run the same operations in the same order.
type Peers interface {
	Rank() int
	Size() int
	// Sum replaces x by its sum over the ranks, the same bits on each.
	Sum(x kernels.Tensor)
}

// Stopped is what a pass panics with if Tape.Before returns an error.
type Stopped struct{ Err error }

func (s *Stopped) Error() string { return "the pass was stopped: " + s.Err.Error() }

// Unwrap returns what Tape.Before returned.
func (s *Stopped) Unwrap() error { return s.Err }

// shared reports whether the current batch is a part of a larger one.
func (t *Tape) shared() bool { return t.Peers != nil && t.Peers.Size() > 1 }

// Gather returns the rows x [B,N] of all ranks, in their order: [Size·B,N]. The
// gradient of a row is the sum of what all ranks make of it. Without Peers it
// is x itself.
func (t *Tape) Gather(x *Var) *Var {
	if !t.shared() {
		return x
	}
	B, _ := dims2("Gather", x)
	all := B * t.Peers.Size()
	return t.sumRanks(t.Mix(t.ones(all, B, t.Peers.Rank()*B, 0), x))
}

// Own is the inverse of Gather: of x [Size·B,N] the rows of this rank, [B,N].
func (t *Tape) Own(x *Var) *Var {
	if !t.shared() {
		return x
	}
	all, _ := dims2("Own", x)
	B := all / t.Peers.Size()
	return t.Mix(t.ones(B, all, 0, t.Peers.Rank()*B), x)
}

// ones returns an [R,L] matrix of zeros with a diagonal of ones that begins at
// (row, column).
func (t *Tape) ones(R, L, row, column int) *Var {
	a := make([]float32, R*L)
	for i := 0; row+i < R && column+i < L; i++ {
		a[(row+i)*L+column+i] = 1
	}
	return t.Input(a, R, L)
}

// sumRanks is Σ x over the ranks. Every rank's objective reads it, so the
// gradient is the sum of theirs.
func (t *Tape) sumRanks(x *Var) *Var {
	y := t.alloc(x.Shape...)
	t.apply(op{
		name: "SumRanks", in: vars(x), out: vars(y), residual: x,
		run: func() {
			t.B.Copy(y.Tensor, x.Tensor)
			t.Peers.Sum(y.Tensor)
		},
		grad: func() { t.Peers.Sum(t.grad(y)) },
	})
	return y
}

// OnGrad sets what Backward calls when it has added the last of a leaf's
// gradient, as far as the operations recorded so far go; nil for nothing. On an
// asynchronous device the additions are queued by then.
func (v *Var) OnGrad(f func()) { v.complete = f }

// expect notes that an operation was recorded that will add to the gradients of vs.
func expect(vs []*Var) {
	for _, v := range vs {
		if v != nil && v.leaf && v.needs {
			v.pending++
		}
	}
}

// settle undoes expect; done says whether the operation has run backwards.
func settle(vs []*Var, done bool) {
	for _, v := range vs {
		if v == nil || !v.leaf || !v.needs {
			continue
		}
		v.pending--
		if done && v.pending == 0 && v.complete != nil {
			v.complete()
		}
	}
}
