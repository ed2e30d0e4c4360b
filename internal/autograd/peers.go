package autograd

import "clusir/internal/kernels"

// Peers are the ranks that train on parts of one batch: each holds the same number of
// its samples, and all run the same operations in the same order.
type Peers interface {
	Rank() int
	Size() int
	// Sum replaces x by its sum over the ranks, the same bits on each.
	Sum(x kernels.Tensor)
}

// Stopped is the value that a pass panics with if Tape.Before returns an error.
type Stopped struct{ Err error }

func (s *Stopped) Error() string { return "the pass was stopped: " + s.Err.Error() }

// Unwrap returns the error that Tape.Before returned.
func (s *Stopped) Unwrap() error { return s.Err }

// shared reports whether the current batch is a part of a larger one.
func (t *Tape) shared() bool { return t.Peers != nil && t.Peers.Size() > 1 }

// Gather returns the rows x [B,N] of all ranks in rank order, [Size·B,N]. The gradient
// of a row is the sum of the ranks' gradients. Without Peers it returns x itself.
func (t *Tape) Gather(x *Var) *Var {
	if !t.shared() {
		return x
	}
	B, _ := dims2("Gather", x)
	all := B * t.Peers.Size()
	return t.sumRanks(t.Mix(t.ones(all, B, t.Peers.Rank()*B, 0), x))
}

// own inverts Gather: it returns this rank's rows [B,N] of x [Size·B,N].
func (t *Tape) own(x *Var) *Var {
	if !t.shared() {
		return x
	}
	all, _ := dims2("Own", x)
	B := all / t.Peers.Size()
	return t.Mix(t.ones(B, all, 0, t.Peers.Rank()*B), x)
}

// ones returns an [R,L] matrix of zeros with a diagonal of ones that begins at (row,
// column).
func (t *Tape) ones(R, L, row, column int) *Var {
	a := make([]float32, R*L)
	for i := 0; row+i < R && column+i < L; i++ {
		a[(row+i)*L+column+i] = 1
	}
	return t.Input(a, R, L)
}

// sumRanks returns Σ x over the ranks. Every rank's objective depends on it, so its
// gradient is the sum of theirs.
func (t *Tape) sumRanks(x *Var) *Var {
	y := t.alloc(x.Shape...)
	return t.result(y, op{
		name: "SumRanks", in: vars(x), residual: x,
		run: func() {
			t.B.Copy(y.Tensor, x.Tensor)
			t.Peers.Sum(y.Tensor)
		},
		grad: func() { t.Peers.Sum(t.grad(y)) },
	})
}

// OnGrad makes Backward call f once it has added the last contribution to a leaf's
// gradient from the operations recorded so far; nil removes the callback. On an
// asynchronous device the additions are queued by then, not finished.
func (v *Var) OnGrad(f func()) { v.complete = f }

// expect records that an operation will add to the gradients of vs.
func expect(vs []*Var) {
	for _, v := range vs {
		if v != nil && v.leaf && v.needs {
			v.pending++
		}
	}
}

// settle undoes expect; done reports whether the operation has run backwards.
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
