package autograd

// Add returns a + b.
func (t *Tape) Add(a, b *Var) *Var {
	check(is(b, a.Shape...), "Add", a, b)
	y := t.alloc(a.Shape...)
	return t.result(y, op{
		name: "Add", in: vars(a, b), residual: a,
		run:  func() { t.B.Add(y.Tensor, a.Tensor, b.Tensor) },
		grad: func() { t.addTo(b, y) },
	})
}

// addTo adds dy to the gradient of x.
func (t *Tape) addTo(x, y *Var) {
	if dx := t.grad(x); !dx.IsZero() {
		t.B.Axpy(dx, t.grad(y), 1)
	}
}
