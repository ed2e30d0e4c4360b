package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// Adam makes one step for every parameter that a sample reached.
func (b *Backend) Adam(ps []kernels.AdamParam, a kernels.Adam) {
	if len(ps) == 0 {
		return
	}
	cs := make([]C.clusir_adam_param, len(ps))
	for i, p := range ps {
		cs[i] = C.clusir_adam_param{param: ptr(p.Param), grad: ptr(p.Grad), m: ptr(p.M), v: ptr(p.V),
			step: ptr(p.Step), reached: ptr(p.Reached), n: size(p.Param)}
	}
	C.clusir_adam(b.ctx, &cs[0], dim(len(cs)), C.double(a.LR), C.double(a.Beta1), C.double(a.Beta2), C.double(a.Eps))
}

// rowPairs pairs ys with xs, which may be absent.
func rowPairs(ys, xs []kernels.Tensor) []C.clusir_row {
	rs := make([]C.clusir_row, len(ys))
	for i, y := range ys {
		rs[i] = C.clusir_row{y: ptr(y), n: size(y)}
		if xs != nil {
			rs[i].x = ptr(xs[i])
		}
	}
	return rs
}

// ClipNorm scales gs so that their norm is at most limit.
func (b *Backend) ClipNorm(gs []kernels.Tensor, limit float32) {
	if rs := rowPairs(gs, nil); len(rs) > 0 {
		C.clusir_clip_norm(b.ctx, &rs[0], dim(len(rs)), C.float(limit))
	}
}

// Average moves each y towards its x.
func (b *Backend) Average(ys, xs []kernels.Tensor, a float32) {
	if rs := rowPairs(ys, xs); len(rs) > 0 {
		C.clusir_average(b.ctx, &rs[0], dim(len(rs)), C.float(a))
	}
}
