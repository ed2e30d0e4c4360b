package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// Conv1x1 computes y = w·concat(xs) + bias.
func (b *Backend) Conv1x1(y, w, bias kernels.Tensor, xs ...kernels.Tensor) {
	C.clusir_conv1x1(b.ctx, view(y), view(w), view(bias), C.int64_t(len(xs)), views(xs))
}

// Conv1x1Grad is the gradient of Conv1x1.
func (b *Backend) Conv1x1Grad(dxs []kernels.Tensor, dw, dbias, dy, w kernels.Tensor, xs ...kernels.Tensor) {
	C.clusir_conv1x1_grad(b.ctx, views(dxs), view(dw), view(dbias),
		view(dy), view(w), C.int64_t(len(xs)), views(xs))
}

// Conv3x3 is the zero-padded 3×3 convolution.
func (b *Backend) Conv3x3(y, x, w kernels.Tensor) {
	C.clusir_conv3x3(b.ctx, view(y), view(x), view(w))
}

// Conv3x3Grad is the gradient of Conv3x3.
func (b *Backend) Conv3x3Grad(dx, dw, dy, x, w kernels.Tensor) {
	C.clusir_conv3x3_grad(b.ctx, view(dx), view(dw), view(dy), view(x), view(w))
}
