package ref

import "clusir/internal/kernels"

// channelAttention keeps every step of A = softmax(temperature·q̂ k̂ᵀ) for one sample:
// q and k [C,P] from qkv·s, and per head the rows of A over the head's C/heads
// channels.
type channelAttention struct {
	heads            int
	q, k             grid
	qhat, khat       grid
	cosine, affinity []float64 // [C, C/heads] each: q̂ k̂ᵀ, and A
}

func newChannelAttention(s grid, qkv, temperature []float64) channelAttention {
	C := s.C
	t := conv1x1(s, qkv[:2*C*C], 2*C)
	a := channelAttention{heads: len(temperature), q: t.channels(0, C), k: t.channels(C, 2*C)}
	a.qhat, a.khat = normalizePlanes(a.q), normalizePlanes(a.k)
	n := C / a.heads
	a.cosine, a.affinity = make([]float64, C*n), make([]float64, C*n)
	logits := make([]float64, n)
	for c := range C {
		head := c / n
		for d := range n {
			a.cosine[c*n+d] = dot(a.qhat.plane(0, c), a.khat.plane(0, head*n+d))
			logits[d] = temperature[head] * a.cosine[c*n+d]
		}
		softmax(a.affinity[c*n:][:n], logits)
	}
	return a
}

// AttentionMap computes m = A·W_v, W_v the last C rows of qkv, so that
// m·s = A·(W_v·s) = A·v.
func (*Backend) AttentionMap(m, s, qkv, temperature kernels.Tensor) {
	x, heads := gridOf(s), temperature.Len()
	w, n := values(qkv, 3*x.C, x.C), x.C/heads
	out := values(m, x.B, x.C, x.C)
	fill(out, 0)
	for b := range x.B {
		a := newChannelAttention(x.sample(b), w, values(temperature))
		for c := range x.C {
			for d := range n {
				row := w[(2*x.C+c/n*n+d)*x.C:][:x.C]
				for j, v := range row {
					out[(b*x.C+c)*x.C+j] += a.affinity[c*n+d] * v
				}
			}
		}
	}
}

// AttentionMapGrad: dA = dm W_vᵀ and dW_v = Aᵀ dm within each head, then backwards
// through softmax, temperature, the products, the normalisation and the 1×1
// convolution. v itself does not occur: m contains W_v instead.
func (*Backend) AttentionMapGrad(ds, dqkv, dtemperature, dm, s, qkv, temperature kernels.Tensor) {
	x, heads := gridOf(s), temperature.Len()
	C, n := x.C, x.C/heads
	w, temp := values(qkv, 3*C, C), values(temperature)
	dx, dw, dt := gradOf(ds, x), orZeros(dqkv, 3*C, C), orZeros(dtemperature, heads)
	for b := range x.B {
		a := newChannelAttention(x.sample(b), w, temp)
		dqhat, dkhat := a.q.like(), a.k.like()
		dA, dlogits := make([]float64, n), make([]float64, n)
		for c := range C {
			head, dmRow := c/n, values(dm, x.B, C, C)[(b*C+c)*C:][:C]
			for d := range n {
				row := (2*C + head*n + d) * C
				dA[d] = dot(dmRow, w[row:][:C])
				for j, v := range dmRow {
					dw[row+j] += a.affinity[c*n+d] * v
				}
			}
			fill(dlogits, 0)
			softmaxGrad(dlogits, dA, a.affinity[c*n:][:n])
			for d, g := range dlogits {
				dt[head] += g * a.cosine[c*n+d]
				addScaled(dqhat.plane(0, c), temp[head]*g, a.khat.plane(0, head*n+d))
				addScaled(dkhat.plane(0, head*n+d), temp[head]*g, a.qhat.plane(0, c))
			}
		}
		dq, dk := normalizePlanesGrad(dqhat, a.q), normalizePlanesGrad(dkhat, a.k)
		conv1x1Grad(dx.sample(b), dw[:2*C*C], concat(dq, dk), x.sample(b), w[:2*C*C])
	}
}

// normalizePlanes normalises every channel over its pixels.
func normalizePlanes(x grid) grid {
	y := x.like()
	for b, c := range x.planes() {
		normalize(y.plane(b, c), x.plane(b, c))
	}
	return y
}

func normalizePlanesGrad(dy, x grid) grid {
	dx := x.like()
	for b, c := range x.planes() {
		normalizeGrad(dx.plane(b, c), dy.plane(b, c), x.plane(b, c))
	}
	return dx
}

// addScaled computes y += a·x.
func addScaled(y []float64, a float64, x []float64) {
	for i, v := range x {
		y[i] += a * v
	}
}
