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
	b.gradient("mix_grad", mixtures(r, k), dx, dy, w, r, o, o, 1, int64(k))
	b.gradient("mix_grad", mixtures(o, k), dw, dy, x, o, r, 1, o, int64(k))
	b.gradient("conv1x1_dbias", grid{x: o, y: 1, z: 1}, dbias, dy, r, o, 1) // of one pixel
}

// mixtures returns a grid for r mixtures of n numbers.
func mixtures(r, n int) grid { return grid{x: ceil(n, perBlock), y: ceil(r, rowsAtOnce), z: 1} }

// Mix computes y_r = Σ_l a_rl c_l, in float32 at every precision.
func (b *Backend) Mix(y, a, c kernels.Tensor) {
	r, l, n := a.Shape[0], a.Shape[1], c.Len()/a.Shape[1]
	b.launch("mix_fwd", mixtures(r, n), y, a, c, r, l, int64(n))
}

// MixGrad is Mix's gradient.
func (b *Backend) MixGrad(da, dc, dy, a, c kernels.Tensor) {
	r, l, n := a.Shape[0], a.Shape[1], c.Len()/a.Shape[1]
	b.gradient("mix_grad", mixtures(l, n), dc, a, dy, l, r, 1, l, int64(n))
	b.sums("mix_dots", grid{x: ceil(n, perBlock), y: r, z: 1}, da, dy, c, l, int64(n))
}
