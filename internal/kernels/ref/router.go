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

// attention is the geometry and the operands of one multi-head attention: q [B,T,D], k [B,S,D].
type attention struct {
	B, T, S, D, heads int
	q, k, v, keep     []float64
}

func newAttention(q, k, v, keep kernels.Tensor, heads int) attention {
	a := attention{B: q.Shape[0], T: q.Shape[1], S: k.Shape[1], D: q.Shape[2], heads: heads}
	a.q, a.k = values(q, a.B, a.T, a.D), values(k, a.B, a.S, a.D)
	a.v, a.keep = values(v, a.B, a.S, a.D), values(keep, a.B, a.S)
	return a
}

// forQueries calls do for every query of every head: at is where its D/heads channels
// start in q and o, key(s) where token s's start in k and v, and weight_s = softmax
// over the kept s of scale·⟨q, k_s⟩.
func (a attention) forQueries(do func(at int, key func(s int) int, weight []float64)) {
	n := a.D / a.heads
	for b := range a.B {
		for t := range a.T {
			for h := range a.heads {
				at := (b*a.T+t)*a.D + h*n
				key := func(s int) int { return (b*a.S+s)*a.D + h*n }
				weight := make([]float64, a.S)
				for s := range weight {
					weight[s] = math.Inf(-1)
					if a.keep[b*a.S+s] != 0 {
						weight[s] = a.scale() * dot(a.q[at:][:n], a.k[key(s):][:n])
					}
				}
				softmax(weight, weight)
				do(at, key, weight)
			}
		}
	}
}

func (a attention) scale() float64 { return 1 / math.Sqrt(float64(a.D/a.heads)) }

// Attend computes o = Σ_s weight_s v_s for every query and head.
func (*Backend) Attend(o, q, k, v, keep kernels.Tensor, heads int) {
	a := newAttention(q, k, v, keep, heads)
	n, out := a.D/heads, values(o, a.B, a.T, a.D)
	fill(out, 0)
	a.forQueries(func(at int, key func(int) int, weight []float64) {
		for s, w := range weight {
			addScaled(out[at:][:n], w, a.v[key(s):][:n])
		}
	})
}

// AttendGrad: dv_s = weight_s do, dweight_s = ⟨do, v_s⟩, then through the
// softmax to dq = scale Σ_s dlogit_s k_s and dk_s = scale dlogit_s q.
func (*Backend) AttendGrad(dq, dk, dv, do, q, k, v, keep kernels.Tensor, heads int) {
	a := newAttention(q, k, v, keep, heads)
	n, g := a.D/heads, values(do, a.B, a.T, a.D)
	dqv, dkv, dvv := orZeros(dq, a.B, a.T, a.D), orZeros(dk, a.B, a.S, a.D), orZeros(dv, a.B, a.S, a.D)
	a.forQueries(func(at int, key func(int) int, weight []float64) {
		dweight, dlogit := make([]float64, a.S), make([]float64, a.S)
		for s, w := range weight {
			dweight[s] = dot(g[at:][:n], a.v[key(s):][:n])
			addScaled(dvv[key(s):][:n], w, g[at:][:n])
		}
		softmaxGrad(dlogit, dweight, weight)
		for s, d := range dlogit {
			addScaled(dqv[at:][:n], a.scale()*d, a.k[key(s):][:n])
			addScaled(dkv[key(s):][:n], a.scale()*d, a.q[at:][:n])
		}
	})
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
