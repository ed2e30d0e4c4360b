package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// rows returns R and n of t seen as [R,n], n its last axis.
func rows(t kernels.Tensor) (R, n C.int64_t) {
	last := t.Shape[len(t.Shape)-1]
	return dim(t.Len() / last), dim(last)
}

// Linear computes y = x wᵀ + bias.
func (b *Backend) Linear(y, x, w, bias kernels.Tensor) {
	C.clusir_linear(b.ctx, ptr(y), ptr(x), ptr(w), ptr(bias), dim(x.Shape[0]), dim(w.Shape[1]), dim(w.Shape[0]))
}

// LinearGrad is the gradient of Linear.
func (b *Backend) LinearGrad(dx, dw, dbias, dy, x, w kernels.Tensor) {
	C.clusir_linear_grad(b.ctx, ptr(dx), ptr(dw), ptr(dbias), ptr(dy), ptr(x), ptr(w),
		dim(x.Shape[0]), dim(w.Shape[1]), dim(w.Shape[0]))
}

// Mix computes y_r = Σ_l a_rl c_l.
func (b *Backend) Mix(y, a, c kernels.Tensor) {
	C.clusir_mix(b.ctx, ptr(y), ptr(a), ptr(c), dim(a.Shape[0]), dim(a.Shape[1]), dim(c.Len()/c.Shape[0]))
}

// MixGrad is the gradient of Mix.
func (b *Backend) MixGrad(da, dc, dy, a, c kernels.Tensor) {
	C.clusir_mix_grad(b.ctx, ptr(da), ptr(dc), ptr(dy), ptr(a), ptr(c),
		dim(a.Shape[0]), dim(a.Shape[1]), dim(c.Len()/c.Shape[0]))
}

// Normalize computes y_r = x_r / max(‖x_r‖₂, 1e-12).
func (b *Backend) Normalize(y, x kernels.Tensor) {
	R, n := rows(x)
	C.clusir_normalize(b.ctx, ptr(y), ptr(x), R, n)
}

// NormalizeGrad is the gradient of Normalize.
func (b *Backend) NormalizeGrad(dx, dy, x kernels.Tensor) {
	R, n := rows(x)
	C.clusir_normalize_grad(b.ctx, ptr(dx), ptr(dy), ptr(x), R, n)
}

// TopKSoftmax is the softmax over each row's k largest entries.
func (b *Backend) TopKSoftmax(y, x kernels.Tensor, k int) {
	R, n := rows(x)
	C.clusir_top_k_softmax(b.ctx, ptr(y), ptr(x), R, n, dim(k))
}

// SoftmaxGrad is the gradient of TopKSoftmax.
func (b *Backend) SoftmaxGrad(dx, dy, y kernels.Tensor) {
	R, n := rows(y)
	C.clusir_softmax_grad(b.ctx, ptr(dx), ptr(dy), ptr(y), R, n)
}

// ScaleRows computes y_r = s_r x_r.
func (b *Backend) ScaleRows(y, x, s kernels.Tensor) {
	C.clusir_scale_rows(b.ctx, ptr(y), ptr(x), ptr(s), size(s), dim(x.Len()/s.Len()))
}

// ScaleRowsGrad is the gradient of ScaleRows.
func (b *Backend) ScaleRowsGrad(dx, ds, dy, x, s kernels.Tensor) {
	C.clusir_scale_rows_grad(b.ctx, ptr(dx), ptr(ds), ptr(dy), ptr(x), ptr(s), size(s), dim(x.Len()/s.Len()))
}
