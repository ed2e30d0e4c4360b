package ref

import (
	"math"

	"clusir/internal/kernels"
)

// MeanHW averages each channel over its pixels.
func (*Backend) MeanHW(y, x kernels.Tensor) {
	in, r := gridOf(x), values(y, x.Shape[0], x.Shape[1])
	for bc := range r {
		r[bc] = 0
		for _, v := range in.plane(bc/in.C, bc%in.C) {
			r[bc] += v / float64(in.H*in.W)
		}
	}
}

// MeanHWGrad: dx_bchw += dy_bc/(HW).
func (*Backend) MeanHWGrad(dx, dy kernels.Tensor) {
	if dx.IsZero() {
		return
	}
	d := gridOf(dx)
	for bc, g := range values(dy, d.B, d.C) {
		p := d.plane(bc/d.C, bc%d.C)
		for i := range p {
			p[i] += g / float64(d.H*d.W)
		}
	}
}

// Resize resizes bilinearly: y_ij = Σ over the four neighbours in x of the position of
// pixel ij's centre.
func (*Backend) Resize(y, x kernels.Tensor) {
	in, out := gridOf(x), gridOf(y)
	fill(out.v, 0)
	forBilinear(out, in, func(to, from int, weight float64) { out.v[to] += weight * in.v[from] })
}

// ResizeGrad is the transpose of Resize.
func (*Backend) ResizeGrad(dx, dy kernels.Tensor) {
	if dx.IsZero() {
		return
	}
	d, g := gridOf(dx), gridOf(dy)
	forBilinear(g, d, func(to, from int, weight float64) { d.v[from] += weight * g.v[to] })
}

// forBilinear calls do for every pixel of out with each pixel of in it depends on.
func forBilinear(out, in grid, do func(to, from int, weight float64)) {
	out.forElements(func(to, b, c, i, j int) {
		y0, y1, v := neighbours(i, out.H, in.H)
		x0, x1, u := neighbours(j, out.W, in.W)
		do(to, in.at(b, c, y0, x0), (1-v)*(1-u))
		do(to, in.at(b, c, y0, x1), (1-v)*u)
		do(to, in.at(b, c, y1, x0), v*(1-u))
		do(to, in.at(b, c, y1, x1), v*u)
	})
}

// neighbours returns the two indices in a line of `from` pixels between which the
// centre of pixel i of a line of `to` pixels falls, and the second's weight.
func neighbours(i, to, from int) (i0, i1 int, weight float64) {
	at := max(0, (float64(i)+0.5)*float64(from)/float64(to)-0.5)
	i0 = min(int(math.Floor(at)), from-1)
	return i0, min(i0+1, from-1), at - float64(i0)
}
