package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// Tokens computes t_bn = α_bn (μ_n + exp(logσ_n) ⊙ ε_bn).
func (b *Backend) Tokens(t, alpha, mu, logSigma, eps kernels.Tensor) {
	C.clusir_tokens(b.ctx, view(t), view(alpha), view(mu), view(logSigma), view(eps))
}

// TokensGrad is the gradient of Tokens.
func (b *Backend) TokensGrad(dalpha, dmu, dlogSigma, dt, alpha, mu, logSigma, eps kernels.Tensor) {
	C.clusir_tokens_grad(b.ctx, view(dalpha), view(dmu), view(dlogSigma), view(dt),
		view(alpha), view(mu), view(logSigma), view(eps))
}

// Attend is multi-head attention of q over the kept rows of k and v.
func (b *Backend) Attend(o, q, k, v, keep kernels.Tensor, heads int) {
	C.clusir_attend(b.ctx, view(o), view(q), view(k), view(v), view(keep), C.int64_t(heads))
}

// AttendGrad is the gradient of Attend.
func (b *Backend) AttendGrad(dq, dk, dv, do, q, k, v, keep kernels.Tensor, heads int) {
	C.clusir_attend_grad(b.ctx, view(dq), view(dk), view(dv), view(do),
		view(q), view(k), view(v), view(keep), C.int64_t(heads))
}

// SumKept computes y_b = Σ_n [keep_bn ≠ 0] t_bn.
func (b *Backend) SumKept(y, t, keep kernels.Tensor) {
	C.clusir_sum_kept(b.ctx, view(y), view(t), view(keep))
}

// SumKeptGrad is the gradient of SumKept.
func (b *Backend) SumKeptGrad(dt, dy, keep kernels.Tensor) {
	C.clusir_sum_kept_grad(b.ctx, view(dt), view(dy), view(keep))
}

// CountRouted counts the samples routed to each expert.
func (b *Backend) CountRouted(count, route kernels.Tensor) {
	C.clusir_count_routed(b.ctx, view(count), view(route))
}
