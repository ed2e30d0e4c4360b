package ref

import "clusir/internal/kernels"

// AttentionMap computes m = A·W_v, W_v the last C rows of qkv, so that
// m·s = A·(W_v·s) = A·v.
func (*Backend) AttentionMap(m, s, qkv, temperature kernels.Tensor) {
	C := s.Shape[1]
	new(trail).attentionMap(leafNode(s, none), qkv, none, temperature, none).store(m, s.Shape[0], C, C)
}

// AttentionMapGrad: dA = dm W_vᵀ and dW_v = Aᵀ dm within each head, then backwards
// through softmax, temperature, the products, the normalisation and the 1×1
// convolution. v itself does not occur: m contains W_v instead.
func (*Backend) AttentionMapGrad(ds, dqkv, dtemperature, dm, s, qkv, temperature kernels.Tensor) {
	var t trail
	m := t.attentionMap(leafNode(s, ds), qkv, dqkv, temperature, dtemperature)
	t.backwards(m, values(dm, s.Shape[0], s.Shape[1], s.Shape[1]))
}

// attentionMap forms A = softmax(temperature·q̂ k̂ᵀ) per head over the head's n = C/heads
// channels, sample by sample.
func (t *trail) attentionMap(s node, qkv, dqkv, temperature, dtemperature kernels.Tensor) vec {
	C, P, heads := s.C, s.H*s.W, temperature.Len()
	n, w, temperatures := C/heads, leaf(qkv, dqkv, 3*C, C), leaf(temperature, dtemperature, heads)
	m := newVec(s.B * C * C)
	for b := range s.B {
		qk := t.normalize(t.conv1x1(s.sample(b), w.slice(0, 2*C*C), 2*C).vec(), P)
		for c := range C {
			cosines, head := newVec(n), c/n
			t.sum(func(term func(y, a, x vec)) {
				for d := range n {
					term(cosines.slice(d, 1), qk.slice(c*P, P), qk.slice((C+head*n+d)*P, P))
				}
			})
			a := t.softmax(cosines, temperatures.slice(head, 1))
			t.sum(func(term func(y, a, x vec)) {
				for d := range n {
					term(m.slice((b*C+c)*C, C), a.slice(d, 1), w.slice((2*C+head*n+d)*C, C))
				}
			})
		}
	}
	return m
}
