package autograd

// RFFT2 is the orthonormal 2-D FFT: [B,C,H,W] → spectrum [B,2C,H,W/2+1].
func (t *Tape) RFFT2(x *Var) *Var {
	B, C, H, W := dims4("RFFT2", x)
	check(H%2 == 0 && W%2 == 0, "RFFT2", x)
	z := t.alloc(B, 2*C, H, W/2+1)
	return t.result(z, op{
		name: "RFFT2", in: vars(x),
		run:  func() { t.B.RFFT2(z.Tensor, x.Tensor) },
		grad: func() { t.B.RFFT2Grad(t.grad(x), t.grad(z)) },
	})
}

// IRFFT2 is the orthonormal inverse of RFFT2: [B,2C,H,W/2+1] → [B,C,H,W].
func (t *Tape) IRFFT2(z *Var) *Var {
	B, C, H, W := dims4("IRFFT2", z)
	check(C%2 == 0 && H%2 == 0 && W > 1, "IRFFT2", z)
	x := t.alloc(B, C/2, H, 2*(W-1))
	return t.result(x, op{
		name: "IRFFT2", in: vars(z),
		run:  func() { t.B.IRFFT2(x.Tensor, z.Tensor) },
		grad: func() { t.B.IRFFT2Grad(t.grad(z), t.grad(x)) },
	})
}
