package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// Tokens computes t_bn = α_bn (μ_n + exp(logσ_n) ⊙ ε_bn).
func (b *Backend) Tokens(t, alpha, mu, logSigma, eps kernels.Tensor) {
	C.clusir_tokens(b.ctx, ptr(t), ptr(alpha), ptr(mu), ptr(logSigma), ptr(eps),
		dim(alpha.Shape[0]), dim(mu.Shape[0]), dim(mu.Shape[1]))
}

// TokensGrad is the gradient of Tokens.
func (b *Backend) TokensGrad(dalpha, dmu, dlogSigma, dt, alpha, mu, logSigma, eps kernels.Tensor) {
	C.clusir_tokens_grad(b.ctx, ptr(dalpha), ptr(dmu), ptr(dlogSigma), ptr(dt), ptr(alpha), ptr(mu), ptr(logSigma), ptr(eps),
		dim(alpha.Shape[0]), dim(mu.Shape[0]), dim(mu.Shape[1]))
}

// Attend is multi-head attention of q over the kept rows of k and v.
func (b *Backend) Attend(o, q, k, v, keep kernels.Tensor, heads int) {
	C.clusir_attend(b.ctx, ptr(o), ptr(q), ptr(k), ptr(v), ptr(keep),
		dim(q.Shape[0]), dim(q.Shape[1]), dim(k.Shape[1]), dim(q.Shape[2]), dim(heads))
}

// AttendGrad is the gradient of Attend.
func (b *Backend) AttendGrad(dq, dk, dv, do, q, k, v, keep kernels.Tensor, heads int) {
	C.clusir_attend_grad(b.ctx, ptr(dq), ptr(dk), ptr(dv), ptr(do), ptr(q), ptr(k), ptr(v), ptr(keep),
		dim(q.Shape[0]), dim(q.Shape[1]), dim(k.Shape[1]), dim(q.Shape[2]), dim(heads))
}

// SumKept computes y_b = Σ_n [keep_bn ≠ 0] t_bn.
func (b *Backend) SumKept(y, t, keep kernels.Tensor) {
	C.clusir_sum_kept(b.ctx, ptr(y), ptr(t), ptr(keep), dim(t.Shape[0]), dim(t.Shape[1]), dim(t.Shape[2]))
}

// SumKeptGrad is the gradient of SumKept.
func (b *Backend) SumKeptGrad(dt, dy, keep kernels.Tensor) {
	C.clusir_sum_kept_grad(b.ctx, ptr(dt), ptr(dy), ptr(keep), dim(keep.Shape[0]), dim(keep.Shape[1]), dim(dy.Shape[1]))
}

// CountRouted counts the samples routed to each expert.
func (b *Backend) CountRouted(count, route kernels.Tensor) {
	C.clusir_count_routed(b.ctx, ptr(count), ptr(route), dim(route.Shape[0]), dim(route.Shape[1]))
}
