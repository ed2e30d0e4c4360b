package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// parts lists ts as a concatenation over channels.
func parts(ts []kernels.Tensor, like []kernels.Tensor) []C.clusir_part {
	ps := make([]C.clusir_part, len(ts))
	for i, t := range ts {
		ps[i] = C.clusir_part{p: ptr(t), channels: dim(like[i].Shape[1])}
	}
	return ps
}

// plane returns the number of pixels of [B,C,H,W].
func plane(t kernels.Tensor) C.int64_t { return dim(t.Shape[2] * t.Shape[3]) }

// Conv1x1 computes y = w·concat(xs) + bias.
func (b *Backend) Conv1x1(y, w, bias kernels.Tensor, xs ...kernels.Tensor) {
	in := parts(xs, xs)
	C.clusir_conv1x1(b.ctx, ptr(y), ptr(w), ptr(bias), dim(y.Shape[0]), dim(y.Shape[1]), plane(y), dim(len(in)), &in[0])
}

// Conv1x1Grad is the gradient of Conv1x1.
func (b *Backend) Conv1x1Grad(dxs []kernels.Tensor, dw, dbias, dy, w kernels.Tensor, xs ...kernels.Tensor) {
	in, out := parts(xs, xs), parts(dxs, xs)
	C.clusir_conv1x1_grad(b.ctx, &out[0], ptr(dw), ptr(dbias), ptr(dy), ptr(w),
		dim(dy.Shape[0]), dim(dy.Shape[1]), plane(dy), dim(len(in)), &in[0])
}

// shuffle tells how y is stored, by its shape: see kernels.Spatial.Conv3x3.
func shuffle(y, x kernels.Tensor) C.int {
	switch {
	case y.Shape[2] > x.Shape[2]:
		return 1
	case y.Shape[2] < x.Shape[2]:
		return -1
	}
	return 0
}

// Conv3x3 is the zero-padded 3×3 convolution.
func (b *Backend) Conv3x3(y, x, w kernels.Tensor) {
	C.clusir_conv3x3(b.ctx, ptr(y), ptr(x), ptr(w), dim(x.Shape[0]), dim(x.Shape[1]), dim(w.Shape[0]),
		dim(x.Shape[2]), dim(x.Shape[3]), shuffle(y, x))
}

// Conv3x3Grad is the gradient of Conv3x3.
func (b *Backend) Conv3x3Grad(dx, dw, dy, x, w kernels.Tensor) {
	C.clusir_conv3x3_grad(b.ctx, ptr(dx), ptr(dw), ptr(dy), ptr(x), ptr(w), dim(x.Shape[0]), dim(x.Shape[1]),
		dim(w.Shape[0]), dim(x.Shape[2]), dim(x.Shape[3]), shuffle(dy, x))
}
