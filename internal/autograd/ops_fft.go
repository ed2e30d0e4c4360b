package autograd

import "clusir/internal/kernels"

// RFFT2 is the orthonormal 2-D FFT: [B,C,H,W] → spectrum [B,2C,H,W/2+1].
func (t *Tape) RFFT2(x *Var) *Var {
	B, C, H, W := dims4("RFFT2", x)
	check(H%2 == 0 && W%2 == 0, "RFFT2", x)
	z := t.alloc(B, 2*C, H, W/2+1)
	return t.linear("RFFT2", z, x,
		func(z, x kernels.Tensor) { t.B.RFFT2(z, x, 1, false) },
		func(dx, dz kernels.Tensor) { t.B.IRFFT2(dx, dz, 0.5, true) })
}

// IRFFT2 is the orthonormal inverse of RFFT2: [B,2C,H,W/2+1] → [B,C,H,W].
func (t *Tape) IRFFT2(z *Var) *Var {
	B, C, H, W := dims4("IRFFT2", z)
	check(C%2 == 0 && H%2 == 0 && W > 1, "IRFFT2", z)
	x := t.alloc(B, C/2, H, 2*(W-1))
	return t.linear("IRFFT2", x, z,
		func(x, z kernels.Tensor) { t.B.IRFFT2(x, z, 1, false) },
		func(dz, dx kernels.Tensor) { t.B.RFFT2(dz, dx, 2, true) })
}
