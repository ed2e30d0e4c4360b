//go:build cuda

package cuda

import "clusir/internal/kernels"

// rows returns the number and the length of t's rows along the last axis.
func rows(t kernels.Tensor) (r, k int) {
	k = t.Shape[len(t.Shape)-1]
	return t.Len() / k, k
}

// perRow returns a grid with a warp for each of r rows, 4 per block.
func perRow(r int) grid { return over(r, 4) }

// Normalize normalises each row of the last axis.
func (b *Backend) Normalize(y, x kernels.Tensor) {
	same("Normalize", y, x)
	r, k := rows(x)
	b.launch("normalize_fwd", perRow(r), y, x, r, k)
}

// NormalizeGrad is Normalize's gradient.
func (b *Backend) NormalizeGrad(dx, dy, x kernels.Tensor) {
	if dx.IsZero() {
		return
	}
	same("NormalizeGrad", dx, dy, x)
	r, k := rows(x)
	b.launch("normalize_grad", perRow(r), dx, dy, x, r, k)
}

// TopKSoftmax is the softmax over the top largest entries of each row.
func (b *Backend) TopKSoftmax(y, x kernels.Tensor, top int) {
	same("TopKSoftmax", y, x)
	r, k := rows(x)
	b.launch("topk_softmax_fwd", perRow(r), y, x, r, k, top)
}

// SoftmaxGrad is TopKSoftmax's gradient in terms of its result.
func (b *Backend) SoftmaxGrad(dx, dy, y kernels.Tensor) {
	if dx.IsZero() {
		return
	}
	same("SoftmaxGrad", dx, dy, y)
	r, k := rows(y)
	b.launch("softmax_grad", perRow(r), dx, dy, y, r, k)
}

// longRows returns a grid for r rows of n numbers, in blocks of perBlock.
func longRows(r, n int) grid { return inPlanes(ceil(n, perBlock), r) }

// ScaleRows computes y_r = s_r x_r.
func (b *Backend) ScaleRows(y, x, s kernels.Tensor) {
	same("ScaleRows", y, x)
	r, n := b.rowsOf("ScaleRows", x, s)
	b.launch("scale_rows_fwd", longRows(r, n), y, x, s, r, int64(n))
}

// ScaleRowsGrad is ScaleRows's gradient.
func (b *Backend) ScaleRowsGrad(dx, ds, dy, x, s kernels.Tensor) {
	same("ScaleRowsGrad", dy, x)
	r, n := b.rowsOf("ScaleRowsGrad", x, s)
	g := longRows(r, n)
	b.gradient("scale_rows_grad", g, dx, dy, s, r, int64(n))
	b.sums("scale_rows_dots", g, ds, dy, x, r, int64(n))
}

// rowsOf returns the number of rows of x, one for each number of s, and their length.
func (b *Backend) rowsOf(op string, x, s kernels.Tensor) (r, n int) {
	r = s.Len()
	check(r > 0 && x.Len()%r == 0, op, x, s)
	return r, x.Len() / r
}
