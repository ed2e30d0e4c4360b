package ref

import (
	"math"

	"clusir/internal/kernels"
)

// L1 computes the mean of |x − t| − β/2, or of (x − t)²/2β where |x − t| < β.
func (*Backend) L1(y, x, t kernels.Tensor, beta float32) {
	n, tv, b, sum := x.Len(), values(t, x.Len()), float64(beta), 0.0
	for i, v := range values(x) {
		if e := math.Abs(v - tv[i]); e < b {
			sum += e * e / (2 * b)
		} else {
			sum += e - b/2
		}
	}
	values(y, 1)[0] = sum / float64(n)
}

// L1Grad: dx += dy·s/n, where s is (x − t)/β within ±β and sign(x − t) elsewhere, with
// sign(0) = 0.
func (*Backend) L1Grad(dx, dy, x, t kernels.Tensor, beta float32) {
	n, tv, d := x.Len(), values(t, x.Len()), orZeros(dx, x.Len())
	g, b := values(dy, 1)[0]/float64(n), float64(beta)
	for i, v := range values(x) {
		switch e := v - tv[i]; {
		case math.Abs(e) < b:
			d[i] += g * e / b
		case e > 0:
			d[i] += g
		case e < 0:
			d[i] -= g
		}
	}
}

// Orthogonality computes the mean over all N² entries, including the diagonal, of
// (P̂P̂ᵀ − I)², where P̂ are the normalised rows of p.
func (*Backend) Orthogonality(y, p kernels.Tensor) { new(trail).orthogonality(p, none).store(y, 1) }

// OrthogonalityGrad: dP̂ = 4/N² (P̂P̂ᵀ − I) P̂ dy, then through the normalisation.
func (*Backend) OrthogonalityGrad(dp, dy, p kernels.Tensor) {
	var t trail
	t.backwards(t.orthogonality(p, dp), values(dy, 1))
}

func (t *trail) orthogonality(p, dp kernels.Tensor) vec {
	N, D := p.Shape[0], p.Shape[1]
	phat, gap, squares, y := t.normalize(leaf(p, dp, N, D), D), newVec(N*N), newVec(1), newVec(1)
	for n := range N {
		gap.v[n*N+n] = -1
	}
	share := ones(1)
	share.v[0] /= float64(N * N)
	t.sum(func(term func(y, a, x vec)) {
		for i := range N * N {
			term(gap.slice(i, 1), phat.slice(i/N*D, D), phat.slice(i%N*D, D))
		}
	})
	t.sum(func(term func(y, a, x vec)) { term(squares, gap, gap) })
	t.sum(func(term func(y, a, x vec)) { term(y, share, squares) })
	return y
}
