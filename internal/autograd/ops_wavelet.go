package autograd

import "clusir/internal/kernels"

// Norm holds the weight and bias [C] of a layer norm over channels.
type Norm struct{ Weight, Bias *Var }

func (n Norm) tensors() kernels.Norm {
	return kernels.Norm{Weight: n.Weight.Tensor, Bias: n.Bias.Tensor}
}

func (t *Tape) gradNorm(n Norm) kernels.Norm {
	return kernels.Norm{Weight: t.grad(n.Weight), Bias: t.grad(n.Bias)}
}

// DWT splits x [B,C,H,W] into its Haar subbands ll [B,C,H/2,W/2] and bands
// [B,3C,H/2,W/2]: HL, LH, HH.
func (t *Tape) DWT(x *Var) (ll, bands *Var) {
	B, C, H, W := dims4("DWT", x)
	check(H%2 == 0 && W%2 == 0, "DWT", x)
	ll, bands = t.alloc(B, C, H/2, W/2), t.alloc(B, 3*C, H/2, W/2)
	t.apply(op{
		name: "DWT", in: vars(x), out: vars(ll, bands),
		run:  func() { t.B.DWT(ll.Tensor, bands.Tensor, x.Tensor) },
		grad: func() { t.B.DWTGrad(t.grad(x), t.grad(ll), t.grad(bands)) },
	})
	return ll, bands
}

// IDWT inverts DWT and adds res [B,C,H,W], unless it is absent.
func (t *Tape) IDWT(ll, bands, res *Var) *Var {
	B, C, H, W := dims4("IDWT", ll)
	check(is(bands, B, 3*C, H, W) && absentOr(res, B, C, 2*H, 2*W), "IDWT", ll, bands, res)
	y := t.alloc(B, C, 2*H, 2*W)
	t.apply(op{
		name: "IDWT", in: vars(ll, bands, res), out: vars(y), residual: res,
		run:  func() { t.B.IDWT(y.Tensor, ll.Tensor, bands.Tensor, res.tensor()) },
		grad: func() { t.B.IDWTGrad(t.grad(ll), t.grad(bands), t.grad(y)) },
	})
	return y
}

// WaveletReduce returns concat(DWT(w·LN(x))): x [B,C,H,W], w [C/4,C] → [B,C,H/2,W/2].
func (t *Tape) WaveletReduce(x *Var, n Norm, w *Var) *Var {
	B, C, H, W := dims4("WaveletReduce", x)
	ok := H%2 == 0 && W%2 == 0 && C%4 == 0 && is(w, C/4, C) && is(n.Weight, C) && is(n.Bias, C)
	check(ok, "WaveletReduce", x, n.Weight, n.Bias, w)
	y := t.alloc(B, C, H/2, W/2)
	t.apply(op{
		name: "WaveletReduce", macs: B * (C / 4) * C * H * W,
		in: vars(x, n.Weight, n.Bias, w), out: vars(y), keep: vars(x, n.Weight, n.Bias, w),
		run: func() { t.B.WaveletReduce(y.Tensor, x.Tensor, n.tensors(), w.Tensor) },
		grad: func() {
			t.B.WaveletReduceGrad(t.grad(x), t.gradNorm(n), t.grad(w), t.grad(y), x.Tensor, n.tensors(), w.Tensor)
		},
	})
	return y
}

// AttentionMap folds channel attention and the value projection into one
// matrix a sample: s [B,C,h,w], qkv [3C,C], temperature [heads] → m [B,C,C]
// with m·s = A·v. Its MACs are those of the projection to q, k, v, of q·kᵀ and
// of A·v, wherever a backend spends them.
func (t *Tape) AttentionMap(s, qkv, temperature *Var) *Var {
	B, C, H, W := dims4("AttentionMap", s)
	heads := temperature.Len()
	check(is(qkv, 3*C, C) && is(temperature, heads) && C%heads == 0, "AttentionMap", s, qkv, temperature)
	m := t.alloc(B, C, C)
	t.apply(op{
		name: "AttentionMap", macs: B * H * W * (3*C*C + 2*C*(C/heads)),
		in: vars(s, qkv, temperature), out: vars(m), keep: vars(s, qkv, temperature),
		run: func() { t.B.AttentionMap(m.Tensor, s.Tensor, qkv.Tensor, temperature.Tensor) },
		grad: func() {
			t.B.AttentionMapGrad(t.grad(s), t.grad(qkv), t.grad(temperature), t.grad(m), s.Tensor, qkv.Tensor, temperature.Tensor)
		},
	})
	return m
}

// WaveletMerge returns x + w·concat(IDWT(m·s), IDWT(s)): x [B,C,H,W],
// s [B,C,H/2,W/2], m [B,C,C], w [C,C/2]. Its MACs are those of w.
func (t *Tape) WaveletMerge(x, s, m, w *Var) *Var {
	B, C, H, W := dims4("WaveletMerge", x)
	check(is(s, B, C, H/2, W/2) && is(m, B, C, C) && is(w, C, C/2), "WaveletMerge", x, s, m, w)
	y := t.alloc(B, C, H, W)
	t.apply(op{
		name: "WaveletMerge", macs: B * C * (C / 2) * H * W,
		in: vars(x, s, m, w), out: vars(y), keep: vars(s, m, w), residual: x,
		run: func() { t.B.WaveletMerge(y.Tensor, x.Tensor, s.Tensor, m.Tensor, w.Tensor) },
		grad: func() {
			t.B.WaveletMergeGrad(t.grad(s), t.grad(m), t.grad(w), t.grad(y), s.Tensor, m.Tensor, w.Tensor)
		},
	})
	return y
}
