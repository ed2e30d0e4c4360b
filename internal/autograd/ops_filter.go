package autograd

// batchNormMomentum is how far one step moves BatchNorm's running statistics.
const batchNormMomentum = 0.1

// BatchNorm normalises x [B,N]: over the batch in training, where it also updates the
// running mean and variance [N], and with these in inference. A recomputed block does
// not update them again. With Peers the batch is that of all ranks.
func (t *Tape) BatchNorm(x, weight, bias, mean, variance *Var) *Var {
	B, N := dims2("BatchNorm", x)
	ok := is(weight, N) && is(bias, N) && is(mean, N) && is(variance, N)
	check(ok, "BatchNorm", x, weight, bias, mean, variance)
	if t.Train {
		return t.own(t.batchNorm(t.Gather(x), weight, bias, mean, variance))
	}
	y := t.alloc(B, N)
	return t.result(y, op{
		name: "BatchNorm", in: vars(x, weight, bias), keep: vars(x, weight),
		run: func() {
			t.B.BatchNormInfer(y.Tensor, x.Tensor, weight.Tensor, bias.Tensor, mean.Tensor, variance.Tensor)
		},
	})
}

// batchNorm is BatchNorm in training, over all the rows it is given.
func (t *Tape) batchNorm(x, weight, bias, mean, variance *Var) *Var {
	if x.Shape[0] == 1 {
		panic("autograd: BatchNorm: a training batch of 1 has no variance")
	}
	momentum := float32(batchNormMomentum)
	if t.replay {
		momentum = 0
	}
	y := t.alloc(x.Shape...)
	return t.result(y, op{
		name: "BatchNorm", in: vars(x, weight, bias), keep: vars(x, weight),
		run: func() {
			t.B.BatchNorm(y.Tensor, x.Tensor, weight.Tensor, bias.Tensor, mean.Tensor, variance.Tensor, momentum)
		},
		grad: func() {
			t.B.BatchNormGrad(t.grad(x), t.grad(weight), t.grad(bias), t.grad(y), x.Tensor, weight.Tensor)
		},
	})
}

// DynamicFilter correlates each group of C/G channels of x [B,C,H,W] with its
// own taps f [B,G,k²] under reflection padding (Eqs. 12, 13): low is the
// result, high = x − low.
func (t *Tape) DynamicFilter(x, f *Var) (low, high *Var) {
	B, C, H, W := dims4("DynamicFilter", x)
	_, G, kk := dims3("DynamicFilter", f)
	k := 1
	for k*k < kk {
		k++
	}
	ok := is(f, B, G, k*k) && k%2 == 1 && C%G == 0 && min(H, W) > k/2
	check(ok, "DynamicFilter", x, f)
	low, high = t.alloc(B, C, H, W), t.alloc(B, C, H, W)
	t.apply(op{
		name: "DynamicFilter", in: vars(x, f), out: vars(low, high), keep: vars(x, f),
		run:  func() { t.B.DynamicFilter(low.Tensor, high.Tensor, x.Tensor, f.Tensor) },
		grad: func() { t.B.DynamicFilterGrad(t.grad(x), t.grad(f), t.grad(low), t.grad(high), x.Tensor, f.Tensor) },
	})
	return low, high
}

// SigmoidGate returns σ(g) ⊙ x (Eq. 15).
func (t *Tape) SigmoidGate(g, x *Var) *Var {
	check(is(g, x.Shape...), "SigmoidGate", g, x)
	y := t.alloc(x.Shape...)
	return t.binary("SigmoidGate", 0, y, g, x, t.B.SigmoidGate, t.B.SigmoidGateGrad)
}
