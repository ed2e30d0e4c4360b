//go:build cuda

package cuda

import "clusir/internal/kernels"

// WaveletReduce computes concat(DWT(w·LN(x))).
func (b *Backend) WaveletReduce(y, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	reduced := b.quarter(y)
	b.layerNormConv1x1(reduced, x, n, w)
	b.split(y, reduced, false)
	b.Free(reduced)
}

// WaveletReduceGrad is WaveletReduce's gradient.
func (b *Backend) WaveletReduceGrad(dx kernels.Tensor, dn kernels.Norm, dw, dy, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	dreduced := b.quarter(dy)
	b.join(dreduced, dy)
	l := b.layerNorm(x, n)
	c := newConv1x1("WaveletReduceGrad", dreduced, w, []kernels.Tensor{l.u})
	b.conv1x1Weights(c, dw, dreduced)
	// u becomes its gradient, from which sums are formed that cancel: those of dn.
	b.conv1x1Input(b.atLeastTF32("conv1x1_dx"), c, l.u, dreduced, w, c.C, false)
	b.layerNormGrad(dx, dn, l.u, kernels.Tensor{}, l)
	l.free(b)
	b.Free(dreduced)
}

// merged computes IDWT(m·s) and IDWT(s), [B,C/4,H,W] each, for the caller to free.
func (b *Backend) merged(s, m kernels.Tensor) (attended, plain kernels.Tensor) {
	attended, plain = b.quarter(s), b.quarter(s)
	o := b.Alloc(s.Shape...)
	b.project(b.precise("conv1x1_fwd"), o, m, kernels.Tensor{}, kernels.Tensor{}, s)
	b.join(attended, o)
	b.Free(o)
	b.join(plain, s)
	return attended, plain
}

// quarter allocates the tensor whose subbands are s [B,C,h,w].
func (b *Backend) quarter(s kernels.Tensor) kernels.Tensor {
	return b.Alloc(s.Shape[0], s.Shape[1]/4, 2*s.Shape[2], 2*s.Shape[3])
}

// WaveletMerge computes y = x + w·concat(IDWT(m·s), IDWT(s)).
func (b *Backend) WaveletMerge(y, x, s, m, w kernels.Tensor) {
	attended, plain := b.merged(s, m)
	b.project(b.precise("conv1x1_fwd"), y, w, kernels.Tensor{}, x, attended, plain)
	b.Free(attended)
	b.Free(plain)
}

// WaveletMergeGrad is WaveletMerge's gradient except for x, whose gradient is dy.
func (b *Backend) WaveletMergeGrad(ds, dm, dw, dy, s, m, w kernels.Tensor) {
	attended, plain := b.merged(s, m)
	c := newConv1x1("WaveletMergeGrad", dy, w, []kernels.Tensor{attended, plain})
	b.conv1x1Weights(c, dw, dy)
	back := b.precise("conv1x1_dx")
	if !ds.IsZero() || !dm.IsZero() { // attended and plain become their gradients
		b.conv1x1Input(back, c, attended, dy, w, c.C/2, false)
		do := b.Alloc(s.Shape...)
		b.split(do, attended, false)
		maps := newConv1x1("WaveletMergeGrad", do, m, []kernels.Tensor{s})
		b.conv1x1Weights(maps, dm, do)
		b.conv1x1Input(back, maps, ds, do, m, maps.C, true)
		b.Free(do)
	}
	if !ds.IsZero() {
		b.conv1x1Input(back, c, plain, dy, w, c.C, false)
		b.split(ds, plain, true)
	}
	b.Free(attended)
	b.Free(plain)
}
