package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// AttentionMap folds channel attention and the value projection into m.
func (b *Backend) AttentionMap(m, s, qkv, temperature kernels.Tensor) {
	C.clusir_attention_map(b.ctx, ptr(m), ptr(s), ptr(qkv), ptr(temperature),
		dim(s.Shape[0]), dim(s.Shape[1]), dim(temperature.Len()), plane(s))
}

// AttentionMapGrad is the gradient of AttentionMap.
func (b *Backend) AttentionMapGrad(ds, dqkv, dtemperature, dm, s, qkv, temperature kernels.Tensor) {
	C.clusir_attention_map_grad(b.ctx, ptr(ds), ptr(dqkv), ptr(dtemperature), ptr(dm), ptr(s), ptr(qkv), ptr(temperature),
		dim(s.Shape[0]), dim(s.Shape[1]), dim(temperature.Len()), plane(s))
}
