package ref

import "clusir/internal/kernels"

// DWT splits x into its four Haar subbands.
func (*Backend) DWT(ll, bands, x kernels.Tensor, add bool) {
	s := dwt(gridOf(x))
	put(ll, s.channels(0, s.C/4), add)
	put(bands, s.channels(s.C/4, s.C), add)
}

// IDWT joins four subbands and adds res if it is present.
func (*Backend) IDWT(y, ll, bands, res kernels.Tensor) {
	r := idwt(concat(gridOf(ll), gridOf(bands)))
	accumulate(r.v, values(res))
	put(y, r, false)
}

// haar[band][pixel] is twice the weight of the pixels a b / c d in LL, HL, LH, HH.
var haar = [4][4]float64{{1, 1, 1, 1}, {1, -1, 1, -1}, {1, 1, -1, -1}, {1, -1, -1, 1}}

// dwt returns the subbands LL, HL, LH, HH of x, joined along the channels.
func dwt(x grid) grid {
	s := newGrid(x.B, 4*x.C, x.H/2, x.W/2)
	forHaar(x, s, func(pixel, coefficient int, weight float64) {
		s.v[coefficient] += weight * x.v[pixel]
	})
	return s
}

// idwt inverts dwt.
func idwt(s grid) grid {
	x := newGrid(s.B, s.C/4, 2*s.H, 2*s.W)
	forHaar(x, s, func(pixel, coefficient int, weight float64) {
		x.v[pixel] += weight * s.v[coefficient]
	})
	return x
}

// forHaar calls do for every pixel of x with each coefficient of s it depends on.
func forHaar(x, s grid, do func(pixel, coefficient int, weight float64)) {
	x.forElements(func(pixel, b, c, i, j int) {
		for band := range 4 {
			do(pixel, s.at(b, band*x.C+c, i/2, j/2), haar[band][i%2*2+j%2]/2)
		}
	})
}
