package ref

import (
	"math"

	"clusir/internal/kernels"
)

// Tokens computes t_bn = α_bn (μ_n + exp(logσ_n) ⊙ ε_bn).
func (*Backend) Tokens(t, alpha, mu, logSigma, eps kernels.Tensor) {
	B, N, D := alpha.Shape[0], mu.Shape[0], mu.Shape[1]
	out, av, mv, lv, ev := values(t, B, N, D), values(alpha, B, N), values(mu), values(logSigma, N, D), orZeros(eps, B, N, D)
	for i := range out {
		bn, nd := i/D, i%(N*D)
		out[i] = av[bn] * (mv[nd] + math.Exp(lv[nd])*ev[i])
	}
}

// TokensGrad: dα_bn = ⟨dt, μ + σ⊙ε⟩, dμ_n = Σ_b α dt, dlogσ_n = Σ_b α dt⊙σ⊙ε.
func (*Backend) TokensGrad(dalpha, dmu, dlogSigma, dt, alpha, mu, logSigma, eps kernels.Tensor) {
	B, N, D := alpha.Shape[0], mu.Shape[0], mu.Shape[1]
	av, mv, lv, ev := values(alpha, B, N), values(mu), values(logSigma, N, D), orZeros(eps, B, N, D)
	da, dm, dl := orZeros(dalpha, B, N), orZeros(dmu, N, D), orZeros(dlogSigma, N, D)
	for i, g := range values(dt, B, N, D) {
		bn, nd := i/D, i%(N*D)
		noise := math.Exp(lv[nd]) * ev[i]
		da[bn] += g * (mv[nd] + noise)
		dm[nd] += g * av[bn]
		dl[nd] += g * av[bn] * noise
	}
}

// Attend computes o = Σ_s weight_s v_s for every query and head, with weight_s = softmax
// over the kept s of scale·⟨q, k_s⟩.
func (*Backend) Attend(o, q, k, v, keep kernels.Tensor, heads int) {
	new(trail).attend(q, none, k, none, v, none, keep, heads).store(o, q.Shape...)
}

// AttendGrad: dv_s = weight_s do, dweight_s = ⟨do, v_s⟩, then through the
// softmax to dq = scale Σ_s dlogit_s k_s and dk_s = scale dlogit_s q.
func (*Backend) AttendGrad(dq, dk, dv, do, q, k, v, keep kernels.Tensor, heads int) {
	var t trail
	t.backwards(t.attend(q, dq, k, dk, v, dv, keep, heads), values(do, q.Shape...))
}

func (t *trail) attend(q, dq, k, dk, v, dv, keep kernels.Tensor, heads int) vec {
	B, T, S, D := q.Shape[0], q.Shape[1], k.Shape[1], q.Shape[2]
	queries, keys, tokens := leaf(q, dq, B, T, D), leaf(k, dk, B, S, D), leaf(v, dv, B, S, D)
	n, o := D/heads, newVec(B*T*D)
	scale := ones(1)
	scale.v[0] /= math.Sqrt(float64(n))
	for i := range B * T * heads { // the query and the head whose n channels begin at i·n
		scores := newVec(S)
		for s, kept := range values(keep, B, S)[i/(T*heads)*S:][:S] {
			if kept == 0 {
				scores.v[s] = math.Inf(-1)
			}
		}
		at := func(s int) int { return (i/(T*heads)*S+s)*D + i%heads*n } // of token s's channels
		t.sum(func(term func(y, a, x vec)) {
			for s := range S {
				term(scores.slice(s, 1), queries.slice(i*n, n), keys.slice(at(s), n))
			}
		})
		weight := t.softmax(scores, scale)
		t.sum(func(term func(y, a, x vec)) {
			for s := range S {
				term(o.slice(i*n, n), weight.slice(s, 1), tokens.slice(at(s), n))
			}
		})
	}
	return o
}

// SumKept computes y_b = Σ_n [keep_bn ≠ 0] t_bn.
func (*Backend) SumKept(y, t, keep kernels.Tensor) {
	B, N, D := t.Shape[0], t.Shape[1], t.Shape[2]
	r, tv := values(y, B, D), values(t)
	fill(r, 0)
	for bn, kept := range values(keep, B, N) {
		if kept != 0 {
			accumulate(r[bn/N*D:][:D], tv[bn*D:][:D])
		}
	}
}

// SumKeptGrad: dt_bn += [keep_bn ≠ 0] dy_b.
func (*Backend) SumKeptGrad(dt, dy, keep kernels.Tensor) {
	B, N, D := keep.Shape[0], keep.Shape[1], dy.Shape[1]
	d, g := orZeros(dt, B, N, D), values(dy, B, D)
	for bn, kept := range values(keep) {
		if kept != 0 {
			accumulate(d[bn*D:][:D], g[bn/N*D:][:D])
		}
	}
}

// CountRouted computes count_e += Σ_b [route_be ≠ 0].
func (*Backend) CountRouted(count, route kernels.Tensor) {
	E, n := route.Shape[1], values(count, route.Shape[1])
	for be, weight := range values(route) {
		if weight != 0 {
			n[be%E]++
		}
	}
}
