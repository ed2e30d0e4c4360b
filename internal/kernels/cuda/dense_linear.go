//go:build cuda

package cuda

import "clusir/internal/kernels"

// rowsAtOnce is how many rows a thread or warp of dense_linear.cu handles at once.
const rowsAtOnce = 4

// Linear computes y = x wᵀ + bias, in float32 at every precision.
func (b *Backend) Linear(y, x, w, bias kernels.Tensor) {
	r, k, o := x.Shape[0], x.Shape[1], w.Shape[0]
	g := grid{x: ceil(o, 4), y: ceil(r, rowsAtOnce), z: 1}
	b.launch("linear_fwd", g, y, x, w, bias, r, k, o)
}

// LinearGrad is Linear's gradient.
func (b *Backend) LinearGrad(dx, dw, dbias, dy, x, w kernels.Tensor) {
	r, k, o := x.Shape[0], x.Shape[1], w.Shape[0]
	if !dx.IsZero() {
		g := grid{x: ceil(k, 128), y: ceil(r, rowsAtOnce), z: 1}
		b.launch("linear_dx", g, dx, dy, w, r, k, o)
	}
	if !dw.IsZero() || !dbias.IsZero() {
		g := grid{x: ceil(k, 512), y: o, z: 1}
		b.launch("linear_dw", g, dw, dbias, dy, x, r, k, o)
	}
}

// mixed returns the extents of Mix: a [R,L], and rows of n numbers.
func mixed(a, c kernels.Tensor) (r, l, n int) {
	r, l = a.Shape[0], a.Shape[1]
	return r, l, c.Len() / l
}

// Mix computes y_r = Σ_l a_rl c_l, in float32 at every precision.
func (b *Backend) Mix(y, a, c kernels.Tensor) {
	r, l, n := mixed(a, c)
	g := grid{x: ceil(n, perBlock), y: ceil(r, rowsAtOnce), z: 1}
	b.launch("mix_fwd", g, y, a, c, r, l, int64(n))
}

// MixGrad is Mix's gradient.
func (b *Backend) MixGrad(da, dc, dy, a, c kernels.Tensor) {
	r, l, n := mixed(a, c)
	if !dc.IsZero() {
		g := grid{x: ceil(n, perBlock), y: ceil(l, rowsAtOnce), z: 1}
		b.launch("mix_dc", g, dc, a, dy, r, l, int64(n))
	}
	if !da.IsZero() {
		g := grid{x: ceil(n, perBlock), y: r, z: 1}
		partial := b.Alloc(r*l, g.x)
		b.launch("mix_dots", g, partial, dy, c, l, int64(n))
		b.launch("rows_sum", perRow(r*l), da, partial, r*l, g.x)
		b.Free(partial)
	}
}
