package autograd

import "clusir/internal/kernels"

// Linear returns x wᵀ + bias over the last axis: x [...,K], w [O,K], bias [O]
// or absent → [...,O].
func (t *Tape) Linear(x, w, bias *Var) *Var {
	O, K := dims2("Linear", w)
	last := len(x.Shape) - 1
	check(last >= 0 && x.Shape[last] == K && absentOr(bias, O), "Linear", x, w, bias)
	R := x.Len() / K
	rows := x.Reshape(R, K)
	y := t.alloc(R, O)
	t.apply(op{
		name: "Linear", macs: R * O * K,
		in: vars(x, w, bias), out: vars(y), keep: vars(x, w),
		run: func() { t.B.Linear(y.Tensor, rows.Tensor, w.Tensor, bias.tensor()) },
		grad: func() {
			t.B.LinearGrad(t.grad(rows), t.grad(w), t.grad(bias), t.grad(y), rows.Tensor, w.Tensor)
		},
	})
	return y.Reshape(append(append(kernels.Shape{}, x.Shape[:last]...), O)...)
}

// Mix returns Σ_l a_rl c_l: a [R,L], c [L,...] → [R,...].
func (t *Tape) Mix(a, c *Var) *Var {
	R, L := dims2("Mix", a)
	check(len(c.Shape) > 1 && c.Shape[0] == L, "Mix", a, c)
	y := t.alloc(append(kernels.Shape{R}, c.Shape[1:]...)...)
	return t.binary("Mix", R*c.Len(), y, a, c, t.B.Mix, t.B.MixGrad)
}

// Normalize scales each row of the last axis to unit length.
func (t *Tape) Normalize(x *Var) *Var {
	y := t.alloc(x.Shape...)
	return t.result(y, op{
		name: "Normalize", in: vars(x), keep: vars(x),
		run:  func() { t.B.Normalize(y.Tensor, x.Tensor) },
		grad: func() { t.B.NormalizeGrad(t.grad(x), t.grad(y), x.Tensor) },
	})
}

// TopKSoftmax returns the softmax over the k largest entries of each row of
// the last axis; the others are 0.
func (t *Tape) TopKSoftmax(x *Var, k int) *Var {
	check(len(x.Shape) > 0 && k >= 1 && k <= x.Shape[len(x.Shape)-1], "TopKSoftmax", x)
	y := t.alloc(x.Shape...)
	return t.result(y, op{
		name: "TopKSoftmax", in: vars(x), keep: vars(y),
		run:  func() { t.B.TopKSoftmax(y.Tensor, x.Tensor, k) },
		grad: func() { t.B.SoftmaxGrad(t.grad(x), t.grad(y), y.Tensor) },
	})
}

// Softmax returns the softmax over the last axis.
func (t *Tape) Softmax(x *Var) *Var { return t.TopKSoftmax(x, x.Shape[len(x.Shape)-1]) }

// ScaleRows returns s_r x_r, x [R,...], s [R].
func (t *Tape) ScaleRows(x, s *Var) *Var {
	check(is(s, x.Shape[0]), "ScaleRows", x, s)
	y := t.alloc(x.Shape...)
	return t.binary("ScaleRows", 0, y, x, s, t.B.ScaleRows, t.B.ScaleRowsGrad)
}
