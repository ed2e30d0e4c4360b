package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// planes returns B·C of [B,C,H,W].
func planes(t kernels.Tensor) C.int64_t { return dim(t.Shape[0] * t.Shape[1]) }

// MeanHW averages each channel over its pixels.
func (b *Backend) MeanHW(y, x kernels.Tensor) {
	C.clusir_mean_hw(b.ctx, ptr(y), ptr(x), planes(x), plane(x))
}

// MeanHWGrad is the gradient of MeanHW.
func (b *Backend) MeanHWGrad(dx, dy kernels.Tensor) {
	if !dx.IsZero() {
		C.clusir_mean_hw_grad(b.ctx, ptr(dx), ptr(dy), planes(dx), plane(dx))
	}
}

// Resize is bilinear, from x's size to y's.
func (b *Backend) Resize(y, x kernels.Tensor) {
	C.clusir_resize(b.ctx, ptr(y), ptr(x), planes(x), dim(x.Shape[2]), dim(x.Shape[3]), dim(y.Shape[2]), dim(y.Shape[3]))
}

// ResizeGrad is the gradient of Resize.
func (b *Backend) ResizeGrad(dx, dy kernels.Tensor) {
	if !dx.IsZero() {
		C.clusir_resize_grad(b.ctx, ptr(dx), ptr(dy), planes(dx),
			dim(dx.Shape[2]), dim(dx.Shape[3]), dim(dy.Shape[2]), dim(dy.Shape[3]))
	}
}
