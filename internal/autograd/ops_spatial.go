package autograd

// MeanHW averages over space: [B,C,H,W] → [B,C].
func (t *Tape) MeanHW(x *Var) *Var {
	B, C, _, _ := dims4("MeanHW", x)
	y := t.alloc(B, C)
	return t.result(y, op{
		name: "MeanHW", in: vars(x),
		run:  func() { t.B.MeanHW(y.Tensor, x.Tensor) },
		grad: func() { t.B.MeanHWGrad(t.grad(x), t.grad(y)) },
	})
}

// Resize resizes bilinearly to H×W.
func (t *Tape) Resize(x *Var, H, W int) *Var {
	B, C, _, _ := dims4("Resize", x)
	y := t.alloc(B, C, H, W)
	return t.result(y, op{
		name: "Resize", in: vars(x),
		run:  func() { t.B.Resize(y.Tensor, x.Tensor) },
		grad: func() { t.B.ResizeGrad(t.grad(x), t.grad(y)) },
	})
}
