package ref

import (
	"math"
	"math/cmplx"

	"clusir/internal/kernels"
)

// RFFT2 computes z_kl = (HW)^-½ Σ_yx x_yx e^{-2πi(ky/H + lx/W)} for l ≤ W/2, by
// sums along W and then along H.
func (*Backend) RFFT2(z, x kernels.Tensor) {
	s := analyse(gridOf(x), false)
	copy(values(z, s.B, s.C, s.H, s.W), s.v)
}

// RFFT2Grad is the transpose: dx_yx = (HW)^-½ Σ_kl Re(dz_kl e^{+2πi(ky/H + lx/W)}).
func (*Backend) RFFT2Grad(dx, dz kernels.Tensor) {
	d := synthesise(gridOf(dz), false)
	accumulate(orZeros(dx, d.B, d.C, d.H, d.W), d.v)
}

// IRFFT2 computes v_yl = H^-½ Σ_k z_kl e^{+2πiky/H} and then x_yx = W^-½ Σ_l m_l
// Re(v_yl e^{+2πilx/W}), where m_l = 2 for columns that stand for two, and m_l = 1 for
// columns 0 and W/2: there the exponential is real, so that the imaginary part of v
// drops out.
func (*Backend) IRFFT2(x, z kernels.Tensor) {
	r := synthesise(gridOf(z), true)
	copy(values(x, r.B, r.C, r.H, r.W), r.v)
}

// IRFFT2Grad is the transpose of IRFFT2: RFFT2 with each column times m_l.
func (*Backend) IRFFT2Grad(dz, dx kernels.Tensor) {
	s := analyse(gridOf(dx), true)
	accumulate(orZeros(dz, s.B, s.C, s.H, s.W), s.v)
}

// analyse is the forward transform; double multiplies each column by m_l.
func analyse(x grid, double bool) grid {
	z := newGrid(x.B, 2*x.C, x.H, x.W/2+1)
	along, down := roots(x.W), roots(x.H)
	for b, c := range x.planes() {
		re, im, p := z.plane(b, c), z.plane(b, x.C+c), x.plane(b, c)
		rows := make([]complex128, z.H*z.W)
		for i := range rows { // v_yl = Σ_x x_yx e^{-2πilx/W}
			y, l := i/z.W, i%z.W
			for j := range x.W {
				rows[i] += complex(p[y*x.W+j], 0) * cmplx.Conj(along[l*j%x.W])
			}
		}
		for i := range rows { // z_kl = Σ_y v_yl e^{-2πiky/H}
			k, l, sum := i/z.W, i%z.W, 0i
			for y := range z.H {
				sum += rows[y*z.W+l] * cmplx.Conj(down[k*y%z.H])
			}
			re[i], im[i] = real(sum)*weight(l, x, double), imag(sum)*weight(l, x, double)
		}
	}
	return z
}

// synthesise is the inverse transform; double multiplies each column by m_l.
func synthesise(z grid, double bool) grid {
	x := newGrid(z.B, z.C/2, z.H, 2*(z.W-1))
	along, down := roots(x.W), roots(x.H)
	for b, c := range x.planes() {
		re, im, p := z.plane(b, c), z.plane(b, x.C+c), x.plane(b, c)
		columns := make([]complex128, z.H*z.W)
		for i := range columns { // v_yl = Σ_k z_kl e^{+2πiky/H}
			y, l := i/z.W, i%z.W
			for k := range z.H {
				columns[i] += complex(re[k*z.W+l], im[k*z.W+l]) * down[k*y%z.H]
			}
		}
		for i := range p { // x_yx = Σ_l Re(v_yl e^{+2πilx/W})
			y, j := i/x.W, i%x.W
			for l := range z.W {
				p[i] += real(columns[y*z.W+l]*along[l*j%x.W]) * weight(l, x, double)
			}
		}
	}
	return x
}

// weight returns the orthonormal scale of column l, doubled if double is set and l
// stands for two columns of the full spectrum.
func weight(l int, x grid, double bool) float64 {
	w := 1 / math.Sqrt(float64(x.H*x.W))
	if double && l != 0 && l != x.W/2 {
		return 2 * w
	}
	return w
}

// roots returns e^{2πij/n}. The root at j = n/2 is exactly real.
func roots(n int) []complex128 {
	r := make([]complex128, n)
	for j := range r {
		r[j] = cmplx.Exp(complex(0, 2*math.Pi*float64(j)/float64(n)))
	}
	r[n/2] = -1
	return r
}
