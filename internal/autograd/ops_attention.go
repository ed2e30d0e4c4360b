package autograd

// AttentionMap folds channel attention and the value projection into one matrix per
// sample: s [B,C,h,w], qkv [3C,C], temperature [heads] → m [B,C,C] with m·s = A·v. It
// counts the MACs of the projection to q, k, v, of q·kᵀ and of A·v, wherever a backend
// spends them.
func (t *Tape) AttentionMap(s, qkv, temperature *Var) *Var {
	B, C, H, W := dims4("AttentionMap", s)
	heads := temperature.Len()
	check(is(qkv, 3*C, C) && is(temperature, heads) && C%heads == 0, "AttentionMap", s, qkv, temperature)
	m := t.alloc(B, C, C)
	return t.result(m, op{
		name: "AttentionMap", macs: B * H * W * (3*C*C + 2*C*(C/heads)),
		in: vars(s, qkv, temperature), keep: vars(s, qkv, temperature),
		run: func() { t.B.AttentionMap(m.Tensor, s.Tensor, qkv.Tensor, temperature.Tensor) },
		grad: func() {
			t.B.AttentionMapGrad(t.grad(s), t.grad(qkv), t.grad(temperature), t.grad(m), s.Tensor, qkv.Tensor, temperature.Tensor)
		},
	})
}
