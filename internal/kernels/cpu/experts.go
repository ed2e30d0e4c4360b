package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// ffns lists the addresses of experts' weights or gradients.
func ffns(fs []kernels.FFN) []C.clusir_ffn {
	ps := make([]C.clusir_ffn, len(fs))
	for i, f := range fs {
		ps[i] = C.clusir_ffn{expand: ptr(f.Expand), depthwise: ptr(f.Depthwise), project: ptr(f.Project)}
	}
	return ps
}

// hidden returns h of an expert whose Project is [C,h].
func hidden(f kernels.FFN) C.int64_t { return dim(f.Project.Shape[1]) }

// GatedFFN computes y = x + Σ_e route_e F_e(LN(x)).
func (b *Backend) GatedFFN(y, x kernels.Tensor, n kernels.Norm, experts []kernels.FFN, route kernels.Tensor) {
	fs := ffns(experts)
	C.clusir_gated_ffn(b.ctx, ptr(y), ptr(x), dim(x.Shape[0]), dim(x.Shape[1]), dim(x.Shape[2]), dim(x.Shape[3]),
		ptr(n.Weight), ptr(n.Bias), dim(len(fs)), hidden(experts[0]), &fs[0], ptr(route))
}

// GatedFFNGrad is the gradient of GatedFFN.
func (b *Backend) GatedFFNGrad(dx kernels.Tensor, dn kernels.Norm, dexperts []kernels.FFN, droute, dy, x kernels.Tensor,
	n kernels.Norm, experts []kernels.FFN, route kernels.Tensor) {
	fs, ds := ffns(experts), ffns(dexperts)
	C.clusir_gated_ffn_grad(b.ctx, ptr(dx), ptr(dn.Weight), ptr(dn.Bias), &ds[0], ptr(droute), ptr(dy), ptr(x),
		dim(x.Shape[0]), dim(x.Shape[1]), dim(x.Shape[2]), dim(x.Shape[3]), ptr(n.Weight), ptr(n.Bias),
		dim(len(fs)), hidden(experts[0]), &fs[0], ptr(route))
}
