package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// Adam takes one step for every parameter that a sample reached.
func (b *Backend) Adam(ps []kernels.AdamParam, a kernels.Adam) {
	cs := list(ps, func(p kernels.AdamParam) C.clusir_adam_param {
		return C.clusir_adam_param{param: view(p.Param), grad: view(p.Grad), m: view(p.M), v: view(p.V),
			step: view(p.Step), reached: element(p.Reached)}
	})
	C.clusir_adam(b.ctx, cs, C.int64_t(len(ps)), C.double(a.LR), C.double(a.Beta1), C.double(a.Beta2), C.double(a.Eps))
}

// ClipNorm scales gs so that their norm is at most limit.
func (b *Backend) ClipNorm(gs []kernels.Tensor, limit float32) {
	C.clusir_clip_norm(b.ctx, views(gs), C.int64_t(len(gs)), C.float(limit))
}

// Average moves each y towards its x.
func (b *Backend) Average(ys, xs []kernels.Tensor, a float32) {
	C.clusir_average(b.ctx, views(ys), views(xs), C.int64_t(len(ys)), C.float(a))
}
