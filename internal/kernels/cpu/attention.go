package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// AttentionMap folds channel attention and the value projection into m.
func (b *Backend) AttentionMap(m, s, qkv, temperature kernels.Tensor) {
	C.clusir_attention_map(b.ctx, view(m), view(s), view(qkv), view(temperature))
}

// AttentionMapGrad is the gradient of AttentionMap.
func (b *Backend) AttentionMapGrad(ds, dqkv, dtemperature, dm, s, qkv, temperature kernels.Tensor) {
	C.clusir_attention_map_grad(b.ctx, view(ds), view(dqkv), view(dtemperature),
		view(dm), view(s), view(qkv), view(temperature))
}
