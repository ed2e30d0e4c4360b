package ref

import "clusir/internal/kernels"

// WaveletReduce computes the DWT of w·LN(x).
func (*Backend) WaveletReduce(y, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	new(trail).waveletReduce(leafNode(x, none), n, kernels.Norm{}, w, none).store(y)
}

// WaveletReduceGrad goes backwards: IDWT, 1×1, LN.
func (*Backend) WaveletReduceGrad(dx kernels.Tensor, dn kernels.Norm, dw, dy, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	var t trail
	s := t.waveletReduce(leafNode(x, dx), n, dn, w, dw)
	t.backwards(s.vec(), values(dy, s.B, s.C, s.H, s.W))
}

func (t *trail) waveletReduce(x node, n, dn kernels.Norm, w, dw kernels.Tensor) node {
	u := t.layerNorm(x, n, dn)
	return t.linear(t.conv1x1(u, leaf(w, dw, x.C/4, x.C), x.C/4), dwt, idwt)
}

// WaveletMerge computes y = x + w·concat(IDWT(m·s), IDWT(s)).
func (*Backend) WaveletMerge(y, x, s, m, w kernels.Tensor) {
	r := new(trail).waveletMerge(leafNode(s, none), m, none, w, none)
	accumulate(r.v, values(x, r.B, r.C, r.H, r.W))
	r.store(y)
}

// WaveletMergeGrad goes backwards: 1×1, then DWT of each half, then the maps.
func (*Backend) WaveletMergeGrad(ds, dm, dw, dy, s, m, w kernels.Tensor) {
	var t trail
	y := t.waveletMerge(leafNode(s, ds), m, dm, w, dw)
	t.backwards(y.vec(), values(dy, y.B, y.C, y.H, y.W))
}

func (t *trail) waveletMerge(s node, m, dm, w, dw kernels.Tensor) node {
	C, maps, mapped := s.C, leaf(m, dm, s.B, s.C, s.C), nodeOf(s.like())
	t.sum(func(term func(y, a, x vec)) {
		for b, o := range s.planes() {
			for c := range C {
				term(mapped.plane(b, o), maps.slice((b*C+o)*C+c, 1), s.plane(b, c))
			}
		}
	})
	joined := t.concat(t.linear(mapped, idwt, dwt), t.linear(s, idwt, dwt))
	return t.conv1x1(joined, leaf(w, dw, C, C/2), C)
}
