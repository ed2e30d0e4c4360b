//go:build cuda

package cuda

import "clusir/internal/kernels"

// WaveletReduce computes concat(DWT(w·LN(x))).
func (b *Backend) WaveletReduce(y, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	reduced := b.quarters(y, 1)
	b.layerNormConv1x1(reduced, x, n, w)
	b.split(b.packed("dwt_fwd"), y, from{reduced, 0}, reduced.Shape[1])
	b.Free(reduced)
}

// WaveletReduceGrad is WaveletReduce's gradient.
func (b *Backend) WaveletReduceGrad(dx kernels.Tensor, dn kernels.Norm, dw, dy, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	dreduced := b.Alloc(x.Shape[0], dy.Shape[1]/4, x.Shape[2], x.Shape[3])
	b.join("idwt_fwd", from{dreduced, 0}, dreduced.Shape[1], dy)
	l := b.layerNorm(x, n)
	c := ofStored("WaveletReduceGrad", dreduced, w, l.u)
	b.conv1x1Weights(c, dw, dreduced)
	b.Free(l.u)
	b.layerNormConv1x1Grad(dx, dn, dreduced, w, l)
	b.free(l.stats, dreduced)
}

// quarters allocates [B,n·C/4,2h,2w], n tensors whose subbands are like s [B,C,h,w], as
// stored does.
func (b *Backend) quarters(s kernels.Tensor, n int) kernels.Tensor {
	return b.stored(4*s.Shape[2]*s.Shape[3], s.Shape[0], n*s.Shape[1]/4)
}

// halves returns the two parts of what quarters has allocated for two.
func halves(t kernels.Tensor) (first, second from) {
	B, C, P := t.Shape[0], t.Shape[1]/2, t.Shape[2]
	return inside(t, 0, B, C, P), inside(t, C*P, B, C, P)
}

// merged computes concat(IDWT(m·s), IDWT(s)), for the caller to free.
func (b *Backend) merged(s, m kernels.Tensor) kernels.Tensor {
	both, o := b.quarters(s, 2), b.Alloc(s.Shape...)
	attended, plain := halves(both)
	b.project(b.precise("conv1x1_fwd"), o, m, kernels.Tensor{}, s)
	b.join(b.packed("idwt_fwd"), attended, both.Shape[1], o)
	b.Free(o)
	b.join(b.packed("idwt_fwd"), plain, both.Shape[1], s)
	return both
}

// WaveletMerge computes y = x + w·concat(IDWT(m·s), IDWT(s)).
func (b *Backend) WaveletMerge(y, x, s, m, w kernels.Tensor) {
	both := b.merged(s, m)
	b.convolve(b.precise(b.packed("conv1x1_fwd")), ofStored("WaveletMerge", y, w, both), y, w, kernels.Tensor{}, x)
	b.Free(both)
}

// WaveletMergeGrad is WaveletMerge's gradient except for x, whose gradient is dy.
func (b *Backend) WaveletMergeGrad(ds, dm, dw, dy, s, m, w kernels.Tensor) {
	both := b.merged(s, m)
	c := ofStored("WaveletMergeGrad", dy, w, both)
	b.conv1x1Weights(c, dw, dy)
	if !ds.IsZero() || !dm.IsZero() {
		b.conv1x1Input(b.precise(b.packed("conv1x1_dx")), c, both, dy, w, c.C, false) // it becomes its gradient
		attended, plain := halves(both)
		do := b.Alloc(s.Shape...)
		b.split(b.packed("dwt_fwd"), do, attended, c.C)
		maps := newConv1x1("WaveletMergeGrad", do, m, []kernels.Tensor{s})
		b.conv1x1Weights(maps, dm, do)
		b.conv1x1Input(b.precise("conv1x1_dx"), maps, ds, do, m, maps.C, true)
		b.Free(do)
		if !ds.IsZero() {
			b.split(b.packed("idwt_grad"), ds, plain, c.C)
		}
	}
	b.Free(both)
}
