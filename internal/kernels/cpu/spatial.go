package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// MeanHW averages each channel over its pixels.
func (b *Backend) MeanHW(y, x kernels.Tensor) {
	C.clusir_mean_hw(b.ctx, view(y), view(x))
}

// MeanHWGrad is the gradient of MeanHW.
func (b *Backend) MeanHWGrad(dx, dy kernels.Tensor) {
	C.clusir_mean_hw_grad(b.ctx, view(dx), view(dy))
}

// Resize is bilinear, from x's size to y's.
func (b *Backend) Resize(y, x kernels.Tensor) {
	C.clusir_resize(b.ctx, view(y), view(x))
}

// ResizeGrad is the gradient of Resize.
func (b *Backend) ResizeGrad(dx, dy kernels.Tensor) {
	C.clusir_resize_grad(b.ctx, view(dx), view(dy))
}
