package ref

import (
	"math"

	"clusir/internal/kernels"
)

// normEps is added under the root of LN and of BatchNorm.
const normEps = 1e-5

// layerNorm normalises each pixel over its channels: y = weight ⊙ x̂ + bias.
func (t *trail) layerNorm(x node, n, dn kernels.Norm) node {
	weight, bias, y := leaf(n.Weight, dn.Weight, x.C), leaf(n.Bias, dn.Bias, x.C), nodeOf(x.like())
	pixels := x.H * x.W
	for i := range x.B * pixels {
		first := i/pixels*x.C*pixels + i%pixels // the pixel's first channel
		xhat, _, _ := t.standardize(x.vec(), first, pixels, x.C)
		t.sum(func(term func(y, a, x vec)) {
			for c := range xhat.v {
				to := y.vec().slice(first+c*pixels, 1)
				term(to, weight.slice(c, 1), xhat.slice(c, 1))
				term(to, bias.slice(c, 1), ones(1))
			}
		})
	}
	return y
}

// standardize returns x̂ = (x − mean)/√(var + eps), the mean and the population variance
// of n elements of x, step apart from the one at first. Backwards,
// dx = (dx̂ − mean(dx̂) − x̂ mean(dx̂ ⊙ x̂)) / √(var + eps).
func (t *trail) standardize(x vec, first, step, n int) (xhat vec, mean, variance float64) {
	xhat = newVec(n)
	for i := range n {
		mean += x.v[first+i*step] / float64(n)
	}
	for i := range n {
		xhat.v[i] = x.v[first+i*step] - mean
		variance += xhat.v[i] * xhat.v[i] / float64(n)
	}
	std := math.Sqrt(variance + normEps)
	for i := range n {
		xhat.v[i] /= std
	}
	t.then(func() {
		sum, along := dot(xhat.d, ones(n).v), dot(xhat.d, xhat.v)
		for i, g := range xhat.d {
			x.d[first+i*step] += (g - sum/float64(n) - xhat.v[i]*along/float64(n)) / std
		}
	})
	return xhat, mean, variance
}

// normalize computes y = x / max(‖x‖₂, 1e-12) for each n elements of x. Backwards,
// dx += (dy − y⟨dy, y⟩)/‖x‖; below the floor the length is a constant and
// dx += dy/1e-12.
func (t *trail) normalize(x vec, n int) vec {
	const floor = 1e-12
	y := newVec(len(x.v))
	for i := 0; i < len(x.v); i += n {
		x, y := x.slice(i, n), y.slice(i, n)
		length := math.Sqrt(dot(x.v, x.v))
		for i, v := range x.v {
			y.v[i] = v / max(length, floor) // exactly ±1 if n is 1
		}
		t.then(func() {
			along := 0.0
			if length >= floor {
				along = dot(y.d, y.v)
			}
			for i, g := range y.d {
				x.d[i] += (g - y.v[i]*along) / max(length, floor)
			}
		})
	}
	return y
}
