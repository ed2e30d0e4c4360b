package ref

import (
	"math"

	"clusir/internal/kernels"
)

// L1 computes the mean of |x − t|.
func (*Backend) L1(y, x, t kernels.Tensor) {
	n, tv, sum := x.Len(), values(t, x.Len()), 0.0
	for i, v := range values(x) {
		sum += math.Abs(v - tv[i])
	}
	values(y, 1)[0] = sum / float64(n)
}

// L1Grad: dx += dy·sign(x − t)/n, where sign(0) = 0.
func (*Backend) L1Grad(dx, dy, x, t kernels.Tensor) {
	n, tv, d := x.Len(), values(t, x.Len()), orZeros(dx, x.Len())
	g := values(dy, 1)[0] / float64(n)
	for i, v := range values(x) {
		switch {
		case v > tv[i]:
			d[i] += g
		case v < tv[i]:
			d[i] -= g
		}
	}
}

// Orthogonality computes the mean over all N² entries, including the diagonal, of
// (P̂P̂ᵀ − I)², where P̂ are the normalised rows of p.
func (*Backend) Orthogonality(y, p kernels.Tensor) {
	_, gap := rowCosines(p)
	values(y, 1)[0] = dot(gap, gap) / float64(len(gap))
}

// OrthogonalityGrad: dP̂ = 4/N² (P̂P̂ᵀ − I) P̂ dy, then through the normalisation.
func (*Backend) OrthogonalityGrad(dp, dy, p kernels.Tensor) {
	N, D := p.Shape[0], p.Shape[1]
	d, g := orZeros(dp, N, D), values(dy, 1)[0]
	phat, gap := rowCosines(p)
	for n := range N {
		dphat := make([]float64, D)
		for m := range N {
			addScaled(dphat, 4*g*gap[n*N+m]/float64(N*N), phat[m*D:][:D])
		}
		normalizeGrad(d[n*D:][:D], dphat, values(p)[n*D:][:D])
	}
}

// rowCosines returns P̂ and P̂P̂ᵀ − I.
func rowCosines(p kernels.Tensor) (phat, gap []float64) {
	N, D := p.Shape[0], p.Shape[1]
	phat, gap = make([]float64, N*D), make([]float64, N*N)
	for n := range N {
		normalize(phat[n*D:][:D], values(p)[n*D:][:D])
	}
	for n := range N {
		for m := range N {
			gap[n*N+m] = dot(phat[n*D:][:D], phat[m*D:][:D])
		}
		gap[n*N+n]--
	}
	return phat, gap
}
