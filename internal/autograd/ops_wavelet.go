package autograd

import "clusir/internal/kernels"

// Norm holds the weight and bias [C] of a layer norm over channels.
type Norm struct{ Weight, Bias *Var }

// of returns a tensor of each weight: its value or its gradient.
func (n Norm) of(tensor func(*Var) kernels.Tensor) kernels.Norm {
	return kernels.Norm{Weight: tensor(n.Weight), Bias: tensor(n.Bias)}
}

// WaveletReduce returns concat(DWT(w·LN(x))): x [B,C,H,W], w [C/4,C] → [B,C,H/2,W/2].
func (t *Tape) WaveletReduce(x *Var, n Norm, w *Var) *Var {
	B, C, H, W := dims4("WaveletReduce", x)
	ok := H%2 == 0 && W%2 == 0 && C%4 == 0 && is(w, C/4, C) && is(n.Weight, C) && is(n.Bias, C)
	check(ok, "WaveletReduce", x, n.Weight, n.Bias, w)
	y := t.alloc(B, C, H/2, W/2)
	return t.result(y, op{
		name: "WaveletReduce", macs: B * (C / 4) * C * H * W,
		in: vars(x, n.Weight, n.Bias, w), keep: vars(x, n.Weight, n.Bias, w),
		run: func() { t.B.WaveletReduce(y.Tensor, x.Tensor, n.of((*Var).tensor), w.Tensor) },
		grad: func() {
			t.B.WaveletReduceGrad(t.grad(x), n.of(t.grad), t.grad(w), t.grad(y), x.Tensor, n.of((*Var).tensor), w.Tensor)
		},
	})
}

// WaveletMerge returns x + w·concat(IDWT(m·s), IDWT(s)): x [B,C,H,W],
// s [B,C,H/2,W/2], m [B,C,C], w [C,C/2]. Its MACs are those of w.
func (t *Tape) WaveletMerge(x, s, m, w *Var) *Var {
	B, C, H, W := dims4("WaveletMerge", x)
	check(is(s, B, C, H/2, W/2) && is(m, B, C, C) && is(w, C, C/2), "WaveletMerge", x, s, m, w)
	y := t.alloc(B, C, H, W)
	return t.result(y, op{
		name: "WaveletMerge", macs: B * C * (C / 2) * H * W,
		in: vars(x, s, m, w), keep: vars(s, m, w), residual: x,
		run: func() { t.B.WaveletMerge(y.Tensor, x.Tensor, s.Tensor, m.Tensor, w.Tensor) },
		grad: func() {
			t.B.WaveletMergeGrad(t.grad(s), t.grad(m), t.grad(w), t.grad(y), s.Tensor, m.Tensor, w.Tensor)
		},
	})
}
