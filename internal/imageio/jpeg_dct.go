package imageio

import "math"

// The forward DCT of Arai, Agui and Nakajima: five multiplications for eight values,
// because each result keeps a factor that is merged into quantisation.

// quantScale returns the factors for forwardDCT's results that replace division of the
// DCT's coefficients by q.
func quantScale(q [64]uint8) (scale [64]float32) {
	var factor [8]float64
	for k := range factor {
		factor[k] = math.Sqrt2 * math.Cos(float64(k)*math.Pi/16)
	}
	factor[0] = 1
	for i := range scale {
		scale[i] = float32(1 / (8 * factor[i/8] * factor[i%8] * float64(q[i])))
	}
	return scale
}

// forwardDCT transforms rows, then columns.
func forwardDCT(b *[64]float32) {
	for i := 0; i < 64; i += 8 {
		dct8(b, i, 1)
	}
	for i := range 8 {
		dct8(b, i, 8)
	}
}

// dct8 transforms the eight values from b[at], step apart.
func dct8(b *[64]float32, at, step int) {
	const (
		c4   = 0.70710678 // cos(4π/16)
		c6   = 0.38268343 // cos(6π/16)
		c2m6 = 0.54119610 // cos(2π/16) − cos(6π/16)
		c2p6 = 1.30656296 // cos(2π/16) + cos(6π/16)
	)
	x := func(k int) *float32 { return &b[(at+k*step)&63] }
	s07, d07 := *x(0)+*x(7), *x(0)-*x(7)
	s16, d16 := *x(1)+*x(6), *x(1)-*x(6)
	s25, d25 := *x(2)+*x(5), *x(2)-*x(5)
	s34, d34 := *x(3)+*x(4), *x(3)-*x(4)

	even, odd := s07+s34, s07-s34
	mid := s16 + s25
	*x(0), *x(4) = even+mid, even-mid
	z1 := (s16 - s25 + odd) * c4
	*x(2), *x(6) = odd+z1, odd-z1

	t0, t1, t2 := d34+d25, d25+d16, d16+d07
	z5 := (t0 - t2) * c6
	z2, z4, z3 := c2m6*t0+z5, c2p6*t2+z5, t1*c4
	z11, z13 := d07+z3, d07-z3
	*x(5), *x(3) = z13+z2, z13-z2
	*x(1), *x(7) = z11+z4, z11-z4
}
