package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// BatchNorm normalises x over the batch and moves the running statistics.
func (b *Backend) BatchNorm(y, x, weight, bias, mean, variance kernels.Tensor, momentum float32) {
	C.clusir_batch_norm(b.ctx, view(y), view(x), view(weight),
		view(bias), view(mean), view(variance), C.float(momentum))
}

// BatchNormGrad is the gradient of BatchNorm.
func (b *Backend) BatchNormGrad(dx, dweight, dbias, dy, x, weight kernels.Tensor) {
	C.clusir_batch_norm_grad(b.ctx, view(dx), view(dweight), view(dbias), view(dy), view(x), view(weight))
}

// BatchNormInfer normalises with the running statistics.
func (b *Backend) BatchNormInfer(y, x, weight, bias, mean, variance kernels.Tensor) {
	C.clusir_batch_norm_infer(b.ctx, view(y), view(x), view(weight), view(bias), view(mean), view(variance))
}

// DynamicFilter splits x into its low and its high frequencies.
func (b *Backend) DynamicFilter(low, high, x, f kernels.Tensor) {
	C.clusir_dynamic_filter(b.ctx, view(low), view(high), view(x), view(f))
}

// DynamicFilterGrad is the gradient of DynamicFilter.
func (b *Backend) DynamicFilterGrad(dx, df, dlow, dhigh, x, f kernels.Tensor) {
	C.clusir_dynamic_filter_grad(b.ctx, view(dx), view(df), view(dlow), view(dhigh), view(x), view(f))
}

// SigmoidGate computes y = σ(g) ⊙ x.
func (b *Backend) SigmoidGate(y, g, x kernels.Tensor) {
	C.clusir_sigmoid_gate(b.ctx, view(y), view(g), view(x))
}

// SigmoidGateGrad is the gradient of SigmoidGate.
func (b *Backend) SigmoidGateGrad(dg, dx, dy, g, x kernels.Tensor) {
	C.clusir_sigmoid_gate_grad(b.ctx, view(dg), view(dx), view(dy), view(g), view(x))
}
