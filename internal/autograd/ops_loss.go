package autograd

// L1 returns the mean of |x − target|, [1], smooth where that is below β. The target has
// no gradient.
func (t *Tape) L1(x, target *Var, beta float32) *Var {
	check(is(target, x.Shape...), "L1", x, target)
	y := t.alloc(1)
	return t.result(y, op{
		name: "L1", in: vars(x), keep: vars(x, target),
		run:  func() { t.B.L1(y.Tensor, x.Tensor, target.Tensor, beta) },
		grad: func() { t.B.L1Grad(t.grad(x), t.grad(y), x.Tensor, target.Tensor, beta) },
	})
}

// Orthogonality returns the mean squared entry of P̂P̂ᵀ − I, [1], for the
// normalised rows of p [N,D].
func (t *Tape) Orthogonality(p *Var) *Var {
	dims2("Orthogonality", p)
	y := t.alloc(1)
	return t.result(y, op{
		name: "Orthogonality", in: vars(p), keep: vars(p),
		run:  func() { t.B.Orthogonality(y.Tensor, p.Tensor) },
		grad: func() { t.B.OrthogonalityGrad(t.grad(p), t.grad(y), p.Tensor) },
	})
}
