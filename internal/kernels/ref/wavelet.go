package ref

import "clusir/internal/kernels"

// WaveletReduce computes the DWT of w·LN(x).
func (*Backend) WaveletReduce(y, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	in := gridOf(x)
	u := layerNorm(in, values(n.Weight, in.C), values(n.Bias, in.C))
	s := dwt(conv1x1(u, values(w, in.C/4, in.C), in.C/4))
	copy(values(y, s.B, s.C, s.H, s.W), s.v)
}

// WaveletReduceGrad goes backwards: IDWT, 1×1, LN.
func (*Backend) WaveletReduceGrad(dx kernels.Tensor, dn kernels.Norm, dw, dy, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	in := gridOf(x)
	u := layerNorm(in, values(n.Weight, in.C), values(n.Bias, in.C))
	du := u.like()
	conv1x1Grad(du, orZeros(dw, in.C/4, in.C), idwt(gridOf(dy)), u, values(w, in.C/4, in.C))
	layerNormGrad(gradOf(dx, in), orZeros(dn.Weight, in.C), orZeros(dn.Bias, in.C), du, in, values(n.Weight))
}

// WaveletMerge computes y = x + w·concat(IDWT(m·s), IDWT(s)).
func (*Backend) WaveletMerge(y, x, s, m, w kernels.Tensor) {
	bands := gridOf(s)
	joined := concat(idwt(applyMaps(bands, values(m, bands.B, bands.C, bands.C))), idwt(bands))
	r := conv1x1(joined, values(w, bands.C, bands.C/2), bands.C)
	accumulate(r.v, values(x, r.B, r.C, r.H, r.W))
	copy(values(y, r.B, r.C, r.H, r.W), r.v)
}

// WaveletMergeGrad goes backwards: 1×1, then DWT of each half, then the maps.
func (*Backend) WaveletMergeGrad(ds, dm, dw, dy, s, m, w kernels.Tensor) {
	bands := gridOf(s)
	C, maps := bands.C, values(m, bands.B, bands.C, bands.C)
	joined := concat(idwt(applyMaps(bands, maps)), idwt(bands))
	djoined := joined.like()
	conv1x1Grad(djoined, orZeros(dw, C, C/2), gridOf(dy), joined, values(w, C, C/2))
	do, d := dwt(djoined.channels(0, C/4)), gradOf(ds, bands)
	accumulate(d.v, dwt(djoined.channels(C/4, C/2)).v)
	dmaps := orZeros(dm, bands.B, C, C)
	for b := range bands.B {
		conv1x1Grad(d.sample(b), dmaps[b*C*C:][:C*C], do.sample(b), bands.sample(b), maps[b*C*C:][:C*C])
	}
}

// applyMaps returns m_b·s_b for each sample, m [B,C,C].
func applyMaps(s grid, m []float64) grid {
	o := s.like()
	for b := range s.B {
		copy(o.sample(b).v, conv1x1(s.sample(b), m[b*s.C*s.C:][:s.C*s.C], s.C).v)
	}
	return o
}
