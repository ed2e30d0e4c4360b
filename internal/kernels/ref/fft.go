package ref

import (
	"math"
	"math/cmplx"

	"clusir/internal/kernels"
)

// RFFT2 computes z_kl = (HW)^-½ m_l Σ_yx x_yx e^{-2πi(ky/H + lx/W)} for l ≤ W/2, by
// sums along W and then along H; m_l is inner, but 1 for l = 0 and l = W/2.
func (*Backend) RFFT2(z, x kernels.Tensor, inner float32, add bool) {
	put(z, analyse(gridOf(x), float64(inner)), add)
}

// IRFFT2 computes v_yl = H^-½ Σ_k z_kl e^{+2πiky/H} and then x_yx = W^-½ Σ_l m_l
// Re(v_yl e^{+2πilx/W}), where m_l = 2·inner for columns that stand for two, and m_l = 1
// for columns 0 and W/2: there the exponential is real, so that the imaginary part of v
// drops out.
func (*Backend) IRFFT2(x, z kernels.Tensor, inner float32, add bool) {
	put(x, synthesise(gridOf(z), 2*float64(inner)), add)
}

// analyse is the forward transform with the weight of inner columns.
func analyse(x grid, inner float64) grid {
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
			re[i], im[i] = real(sum)*weight(l, x, inner), imag(sum)*weight(l, x, inner)
		}
	}
	return z
}

// synthesise is the inverse transform with the weight of inner columns.
func synthesise(z grid, inner float64) grid {
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
				p[i] += real(columns[y*z.W+l]*along[l*j%x.W]) * weight(l, x, inner)
			}
		}
	}
	return x
}

// weight returns the orthonormal scale of column l, times inner if l stands for two
// columns of the full spectrum.
func weight(l int, x grid, inner float64) float64 {
	w := 1 / math.Sqrt(float64(x.H*x.W))
	if l != 0 && l != x.W/2 {
		return inner * w
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
