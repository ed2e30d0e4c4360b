//go:build cuda

package cuda

import "clusir/internal/kernels"

// each returns a grid with a thread for each of n numbers.
func each(n int) grid { return over(n, 128) }

// Tokens computes t_bn = α_bn (μ_n + exp(logσ_n) ⊙ ε_bn).
func (b *Backend) Tokens(t, alpha, mu, logSigma, eps kernels.Tensor) {
	B, N, D := alpha.Shape[0], mu.Shape[0], mu.Shape[1]
	b.launch("tokens_fwd", each(B*N*D), t, alpha, mu, logSigma, eps, B, N, D)
}

// TokensGrad is Tokens's gradient.
func (b *Backend) TokensGrad(dalpha, dmu, dlogSigma, dt, alpha, mu, logSigma, eps kernels.Tensor) {
	B, N, D := alpha.Shape[0], mu.Shape[0], mu.Shape[1]
	b.gradient("tokens_dalpha", perRow(B*N), dalpha, dt, mu, logSigma, eps, B, N, D)
	if !dmu.IsZero() || !dlogSigma.IsZero() {
		b.launch("tokens_grad", each(N*D), dmu, dlogSigma, dt, alpha, logSigma, eps, B, N, D)
	}
}

// attention holds the extents of q [B,T,D] and k [B,S,D].
type attention struct{ B, T, S, D, heads int }

func newAttention(q, k kernels.Tensor, heads int) attention {
	return attention{B: q.Shape[0], T: q.Shape[1], S: k.Shape[1], D: q.Shape[2], heads: heads}
}

// perQuery returns a grid with a warp for each query and head, and the given number of
// rows of S floats of shared memory each.
func (a attention) perQuery(rows int) grid {
	g := perRow(a.B * a.T * a.heads)
	g.shared = 4 * rows * a.S * 4
	return g
}

// Attend is multi-head attention, in float32 at every precision.
func (b *Backend) Attend(o, q, k, v, keep kernels.Tensor, heads int) {
	a := newAttention(q, k, heads)
	b.launch("attend_fwd", a.perQuery(1), o, q, k, v, keep, a.B, a.T, a.S, a.D, heads)
}

// AttendGrad is Attend's gradient.
func (b *Backend) AttendGrad(dq, dk, dv, do, q, k, v, keep kernels.Tensor, heads int) {
	a := newAttention(q, k, heads)
	weights, dlogits := b.Alloc(a.B, a.T, heads, a.S), b.Alloc(a.B, a.T, heads, a.S)
	b.launch("attend_weights", a.perQuery(2), weights, dlogits, do, q, k, v, keep, a.B, a.T, a.S, a.D, heads)
	b.gradient("attend_dq", each(a.B*a.T*a.D), dq, dlogits, k, a.B, a.T, a.S, a.D, heads)
	if !dk.IsZero() || !dv.IsZero() {
		b.launch("attend_dkv", each(a.B*a.S*a.D), dk, dv, weights, dlogits, do, q, a.B, a.T, a.S, a.D, heads)
	}
	b.free(weights, dlogits)
}

// SumKept computes y_b = Σ_n [keep_bn ≠ 0] t_bn.
func (b *Backend) SumKept(y, t, keep kernels.Tensor) {
	B, N, D := t.Shape[0], t.Shape[1], t.Shape[2]
	b.launch("sum_kept_fwd", each(B*D), y, t, keep, B, N, D)
}

// SumKeptGrad is SumKept's gradient.
func (b *Backend) SumKeptGrad(dt, dy, keep kernels.Tensor) {
	B, N, D := keep.Shape[0], keep.Shape[1], dy.Shape[1]
	b.gradient("sum_kept_grad", each(B*N*D), dt, dy, keep, B, N, D)
}

// CountRouted adds to count_e the samples b with route_be ≠ 0.
func (b *Backend) CountRouted(count, route kernels.Tensor) {
	B, E := route.Shape[0], route.Shape[1]
	b.launch("count_routed_fwd", each(E), count, route, B, E)
}
