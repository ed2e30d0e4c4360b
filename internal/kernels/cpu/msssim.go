package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// MSSSIM is the multi-scale structural similarity of x and t.
func (b *Backend) MSSSIM(y, x, t kernels.Tensor) {
	C.clusir_ms_ssim(b.ctx, ptr(y), ptr(x), ptr(t), planes(x), dim(x.Shape[2]), dim(x.Shape[3]))
}

// MSSSIMGrad is the gradient of MSSSIM in x.
func (b *Backend) MSSSIMGrad(dx, dy, x, t kernels.Tensor) {
	if !dx.IsZero() {
		C.clusir_ms_ssim_grad(b.ctx, ptr(dx), ptr(dy), ptr(x), ptr(t), planes(x), dim(x.Shape[2]), dim(x.Shape[3]))
	}
}
