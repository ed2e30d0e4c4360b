//go:build cuda

package cuda

import "clusir/internal/kernels"

// WaveletReduce computes concat(DWT(w·LN(x))).
func (b *Backend) WaveletReduce(y, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	reduced := b.quarters(y, 1)
	b.layerNormConv1x1(reduced, x, n, w)
	b.split(y, from{reduced, 0}, reduced.Shape[1], false)
	b.Free(reduced)
}

// WaveletReduceGrad is WaveletReduce's gradient.
func (b *Backend) WaveletReduceGrad(dx kernels.Tensor, dn kernels.Norm, dw, dy, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	dreduced := b.quarters(dy, 1)
	b.join(from{dreduced, 0}, dreduced.Shape[1], dy)
	l := b.layerNorm(x, n)
	c := newConv1x1("WaveletReduceGrad", dreduced, w, []kernels.Tensor{l.u})
	b.conv1x1Weights(c, dw, dreduced)
	// u becomes its gradient, from which sums are formed that cancel: those of dn.
	b.conv1x1Input(b.atLeastTF32("conv1x1_dx"), c, l.u, dreduced, w, c.C, false)
	b.layerNormGrad(dx, dn, l.u, kernels.Tensor{}, l)
	l.free(b)
	b.Free(dreduced)
}

// quarters allocates the n tensors whose subbands are like s [B,C,h,w]: [B,n·C/4,2h,2w].
func (b *Backend) quarters(s kernels.Tensor, n int) kernels.Tensor {
	return b.Alloc(s.Shape[0], n*s.Shape[1]/4, 2*s.Shape[2], 2*s.Shape[3])
}

// halves returns the two parts of t [B,2C,H,W] whose subbands are in separate tensors.
func halves(t kernels.Tensor) (first, second from) {
	B, C, H, W := t.Shape[0], t.Shape[1]/2, t.Shape[2], t.Shape[3]
	return inside(t, 0, B, C, H, W), inside(t, C*H*W, B, C, H, W)
}

// merged computes concat(IDWT(m·s), IDWT(s)) [B,C/2,2h,2w], for the caller to free.
func (b *Backend) merged(s, m kernels.Tensor) kernels.Tensor {
	both, o := b.quarters(s, 2), b.Alloc(s.Shape...)
	attended, plain := halves(both)
	b.project(b.precise("conv1x1_fwd"), o, m, kernels.Tensor{}, kernels.Tensor{}, s)
	b.join(attended, both.Shape[1], o)
	b.Free(o)
	b.join(plain, both.Shape[1], s)
	return both
}

// WaveletMerge computes y = x + w·concat(IDWT(m·s), IDWT(s)).
func (b *Backend) WaveletMerge(y, x, s, m, w kernels.Tensor) {
	both := b.merged(s, m)
	b.project(b.precise("conv1x1_fwd"), y, w, kernels.Tensor{}, x, both)
	b.Free(both)
}

// WaveletMergeGrad is WaveletMerge's gradient except for x, whose gradient is dy.
func (b *Backend) WaveletMergeGrad(ds, dm, dw, dy, s, m, w kernels.Tensor) {
	both := b.merged(s, m)
	c := newConv1x1("WaveletMergeGrad", dy, w, []kernels.Tensor{both})
	b.conv1x1Weights(c, dw, dy)
	if !ds.IsZero() || !dm.IsZero() {
		back := b.precise("conv1x1_dx")
		b.conv1x1Input(back, c, both, dy, w, c.C, false) // it becomes its gradient
		attended, plain := halves(both)
		do := b.Alloc(s.Shape...)
		b.split(do, attended, c.C, false)
		maps := newConv1x1("WaveletMergeGrad", do, m, []kernels.Tensor{s})
		b.conv1x1Weights(maps, dm, do)
		b.conv1x1Input(back, maps, ds, do, m, maps.C, true)
		b.Free(do)
		if !ds.IsZero() {
			b.split(ds, plain, c.C, true)
		}
	}
	b.Free(both)
}
