package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// GatedFFN computes y = x + Σ_e route_e F_e(LN(x)).
func (b *Backend) GatedFFN(y, x kernels.Tensor, n kernels.Norm, experts []kernels.FFN, route kernels.Tensor) {
	C.clusir_gated_ffn(b.ctx, view(y), view(x), norm(n), C.int64_t(len(experts)), ffns(experts), view(route))
}

// GatedFFNGrad is the gradient of GatedFFN.
func (b *Backend) GatedFFNGrad(dx kernels.Tensor, dn kernels.Norm, dexperts []kernels.FFN, droute, dy, x kernels.Tensor,
	n kernels.Norm, experts []kernels.FFN, route kernels.Tensor) {
	C.clusir_gated_ffn_grad(b.ctx, view(dx), norm(dn), ffns(dexperts), view(droute), view(dy),
		view(x), norm(n), C.int64_t(len(experts)), ffns(experts), view(route))
}
