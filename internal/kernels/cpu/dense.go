package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// Linear computes y = x wᵀ + bias.
func (b *Backend) Linear(y, x, w, bias kernels.Tensor) {
	C.clusir_linear(b.ctx, view(y), view(x), view(w), view(bias))
}

// LinearGrad is the gradient of Linear.
func (b *Backend) LinearGrad(dx, dw, dbias, dy, x, w kernels.Tensor) {
	C.clusir_linear_grad(b.ctx, view(dx), view(dw), view(dbias), view(dy), view(x), view(w))
}

// Mix computes y_r = Σ_l a_rl c_l.
func (b *Backend) Mix(y, a, c kernels.Tensor) {
	C.clusir_mix(b.ctx, view(y), view(a), view(c))
}

// MixGrad is the gradient of Mix.
func (b *Backend) MixGrad(da, dc, dy, a, c kernels.Tensor) {
	C.clusir_mix_grad(b.ctx, view(da), view(dc), view(dy), view(a), view(c))
}

// Normalize computes y_r = x_r / max(‖x_r‖₂, 1e-12).
func (b *Backend) Normalize(y, x kernels.Tensor) {
	C.clusir_normalize(b.ctx, rows(y), rows(x))
}

// NormalizeGrad is the gradient of Normalize.
func (b *Backend) NormalizeGrad(dx, dy, x kernels.Tensor) {
	C.clusir_normalize_grad(b.ctx, rows(dx), rows(dy), rows(x))
}

// TopKSoftmax is the softmax over each row's k largest entries.
func (b *Backend) TopKSoftmax(y, x kernels.Tensor, k int) {
	C.clusir_top_k_softmax(b.ctx, rows(y), rows(x), C.int64_t(k))
}

// SoftmaxGrad is the gradient of TopKSoftmax.
func (b *Backend) SoftmaxGrad(dx, dy, y kernels.Tensor) {
	C.clusir_softmax_grad(b.ctx, rows(dx), rows(dy), rows(y))
}

// ScaleRows computes y_r = s_r x_r.
func (b *Backend) ScaleRows(y, x, s kernels.Tensor) {
	C.clusir_scale_rows(b.ctx, view(y), view(x), view(s))
}

// ScaleRowsGrad is the gradient of ScaleRows.
func (b *Backend) ScaleRowsGrad(dx, ds, dy, x, s kernels.Tensor) {
	C.clusir_scale_rows_grad(b.ctx, view(dx), view(ds), view(dy), view(x), view(s))
}
