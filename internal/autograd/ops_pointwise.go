package autograd

// Add returns a + b.
func (t *Tape) Add(a, b *Var) *Var {
	check(is(b, a.Shape...), "Add", a, b)
	y := t.alloc(a.Shape...)
	return t.result(y, op{
		name: "Add", in: vars(a, b), residual: a,
		run: func() { t.B.Add(y.Tensor, a.Tensor, b.Tensor, 1) },
		grad: func() {
			if db := t.grad(b); !db.IsZero() {
				t.B.Add(db, db, t.grad(y), 1)
			}
		},
	})
}
