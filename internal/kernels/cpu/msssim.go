package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// MSSSIM is the multi-scale structural similarity of x and t.
func (b *Backend) MSSSIM(y, x, t kernels.Tensor) {
	C.clusir_ms_ssim(b.ctx, view(y), view(x), view(t))
}

// MSSSIMGrad is the gradient of MSSSIM in x.
func (b *Backend) MSSSIMGrad(dx, dy, x, t kernels.Tensor) {
	C.clusir_ms_ssim_grad(b.ctx, view(dx), view(dy), view(x), view(t))
}
