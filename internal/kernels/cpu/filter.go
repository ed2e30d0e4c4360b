package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// BatchNorm normalises x over the batch and moves the running statistics.
func (b *Backend) BatchNorm(y, x, weight, bias, mean, variance kernels.Tensor, momentum float32) {
	C.clusir_batch_norm(b.ctx, ptr(y), ptr(x), ptr(weight), ptr(bias), ptr(mean), ptr(variance), C.float(momentum),
		dim(x.Shape[0]), dim(x.Shape[1]))
}

// BatchNormGrad is the gradient of BatchNorm.
func (b *Backend) BatchNormGrad(dx, dweight, dbias, dy, x, weight kernels.Tensor) {
	C.clusir_batch_norm_grad(b.ctx, ptr(dx), ptr(dweight), ptr(dbias), ptr(dy), ptr(x), ptr(weight),
		dim(x.Shape[0]), dim(x.Shape[1]))
}

// BatchNormInfer normalises with the running statistics.
func (b *Backend) BatchNormInfer(y, x, weight, bias, mean, variance kernels.Tensor) {
	C.clusir_batch_norm_infer(b.ctx, ptr(y), ptr(x), ptr(weight), ptr(bias), ptr(mean), ptr(variance),
		dim(x.Shape[0]), dim(x.Shape[1]))
}

// side returns k of taps [B,G,k²].
func side(f kernels.Tensor) C.int64_t {
	k := 1
	for k*k < f.Shape[2] {
		k++
	}
	return dim(k)
}

// DynamicFilter splits x into its low and its high frequencies.
func (b *Backend) DynamicFilter(low, high, x, f kernels.Tensor) {
	s := x.Shape
	C.clusir_dynamic_filter(b.ctx, ptr(low), ptr(high), ptr(x), ptr(f),
		dim(s[0]), dim(s[1]), dim(s[2]), dim(s[3]), dim(f.Shape[1]), side(f))
}

// DynamicFilterGrad is the gradient of DynamicFilter.
func (b *Backend) DynamicFilterGrad(dx, df, dlow, dhigh, x, f kernels.Tensor) {
	s := x.Shape
	C.clusir_dynamic_filter_grad(b.ctx, ptr(dx), ptr(df), ptr(dlow), ptr(dhigh), ptr(x), ptr(f),
		dim(s[0]), dim(s[1]), dim(s[2]), dim(s[3]), dim(f.Shape[1]), side(f))
}

// SigmoidGate computes y = σ(g) ⊙ x.
func (b *Backend) SigmoidGate(y, g, x kernels.Tensor) {
	C.clusir_sigmoid_gate(b.ctx, ptr(y), ptr(g), ptr(x), size(y))
}

// SigmoidGateGrad is the gradient of SigmoidGate.
func (b *Backend) SigmoidGateGrad(dg, dx, dy, g, x kernels.Tensor) {
	C.clusir_sigmoid_gate_grad(b.ctx, ptr(dg), ptr(dx), ptr(dy), ptr(g), ptr(x), size(dy))
}
