package autograd

// Tokens returns α_bn (μ_n + exp(logσ_n) ⊙ ε_bn), the summands of Eq. 7:
// alpha [B,N], mu and logSigma [N,D], eps [B,N,D] or absent → [B,N,D].
func (t *Tape) Tokens(alpha, mu, logSigma, eps *Var) *Var {
	B, N := dims2("Tokens", alpha)
	_, D := dims2("Tokens", mu)
	check(is(mu, N, D) && is(logSigma, N, D) && absentOr(eps, B, N, D), "Tokens", alpha, mu, logSigma, eps)
	y := t.alloc(B, N, D)
	return t.result(y, op{
		name: "Tokens",
		in:   vars(alpha, mu, logSigma, eps), keep: vars(alpha, mu, logSigma, eps),
		run: func() { t.B.Tokens(y.Tensor, alpha.Tensor, mu.Tensor, logSigma.Tensor, eps.tensor()) },
		grad: func() {
			t.B.TokensGrad(t.grad(alpha), t.grad(mu), t.grad(logSigma), t.grad(y),
				alpha.Tensor, mu.Tensor, logSigma.Tensor, eps.tensor())
		},
	})
}

// Attend is multi-head attention without its projections: q [B,T,D], k and v [B,S,D],
// keep [B,S] (0 leaves out row s; keep has no gradient) → [B,T,D].
func (t *Tape) Attend(q, k, v, keep *Var, heads int) *Var {
	B, T, D := dims3("Attend", q)
	_, S, _ := dims3("Attend", k)
	ok := is(k, B, S, D) && is(v, B, S, D) && is(keep, B, S) && heads > 0 && D%heads == 0
	check(ok, "Attend", q, k, v, keep)
	y := t.alloc(B, T, D)
	return t.result(y, op{
		name: "Attend", macs: 2 * B * T * S * D,
		in: vars(q, k, v), keep: vars(q, k, v, keep),
		run: func() { t.B.Attend(y.Tensor, q.Tensor, k.Tensor, v.Tensor, keep.Tensor, heads) },
		grad: func() {
			t.B.AttendGrad(t.grad(q), t.grad(k), t.grad(v), t.grad(y), q.Tensor, k.Tensor, v.Tensor, keep.Tensor, heads)
		},
	})
}

// SumKept returns Σ_n [keep_bn ≠ 0] t_bn: x [B,N,D], keep [B,N] → [B,D].
func (t *Tape) SumKept(x, keep *Var) *Var {
	B, N, D := dims3("SumKept", x)
	check(is(keep, B, N), "SumKept", x, keep)
	y := t.alloc(B, D)
	return t.result(y, op{
		name: "SumKept", in: vars(x), keep: vars(keep),
		run:  func() { t.B.SumKept(y.Tensor, x.Tensor, keep.Tensor) },
		grad: func() { t.B.SumKeptGrad(t.grad(x), t.grad(y), keep.Tensor) },
	})
}

// CountRouted adds to count [E] the number of samples that route [B,E] sends to each
// expert, only once even if a block is recomputed.
func (t *Tape) CountRouted(count, route *Var) {
	B, E := dims2("CountRouted", route)
	check(is(route, B, E) && is(count, E), "CountRouted", count, route)
	if t.replay {
		return
	}
	t.apply(op{name: "CountRouted", in: vars(route), run: func() { t.B.CountRouted(count.Tensor, route.Tensor) }})
}
