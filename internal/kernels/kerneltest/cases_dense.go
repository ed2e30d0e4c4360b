package kerneltest

import (
	"math/rand/v2"

	"clusir/internal/kernels"
)

func denseCases() []Case {
	return []Case{
		linear(1, 1, 1, true), linear(1, 24, 17, true), linear(3, 5, 24, false), linear(9, 48, 5, true),
		linear(3, 300, 200, true).large(),

		mix(1, 5, 24), mix(3, 5, 4, 6, 6), mix(2, 1, 7), mix(3, 3, 17, 16, 16).large(),

		normalize(1, 5), normalize(3, 24), normalize(7, 17), normalize(2, 1024).large(),
		normalize(2, 5).with("zero", 0, given("x", []float64{0}, 2, 5)).forwardOnly(),

		topKSoftmax(1, 3, 2), topKSoftmax(3, 4, 2), topKSoftmax(3, 5, 5), topKSoftmax(2, 9, 3), topKSoftmax(5, 1, 1).vanishing(),
		topKSoftmax(1, 4, 4).nearlyOne(), topKSoftmax(1, 9, 2).nearlyOne(),
		topKSoftmax(3, 5, 2).with("ties", 0, given("x", []float64{1, 3, 3, 3, 0, 2, 2, 2, 2, 2, -1, -2, -1, 5, -1}, 3, 5)).forwardOnly(), // the lower index wins

		scaleRows(1, 5), scaleRows(3, 24), scaleRows(6, 2, 17), scaleRows(4, 33, 70).large(),
	}
}

// linear is Linear from K to O features in R rows.
func linear(R, K, O int, bias bool) Case {
	return Case{
		Op: "Linear", Grad: "LinearGrad", Name: title("r", R, "k", K, "o", O, choose(bias, "bias", "nobias")),
		In:      []Operand{normal("x", R, K), weight("w", O, K), normal("bias", O).optional(bias)},
		Out:     []Operand{result("y", R, O)},
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) { b.Linear(y[0], x[0], x[1], x[2]) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) {
			b.LinearGrad(dx[0], dx[1], dx[2], dy[0], x[0], x[1])
		},
	}
}

// mix is Mix of L components of the given shape into R.
func mix(R, L int, shape ...int) Case {
	dims := func(n int) []int { return append([]int{n}, shape...) }
	return Case{
		Op: "Mix", Grad: "MixGrad", Name: title("r", R, "l", L, shapeTitle(shape)),
		In:       []Operand{normal("a", R, L), normal("c", dims(L)...)},
		Out:      []Operand{result("y", dims(R)...)},
		Forward:  func(b kernels.Backend, y, x []kernels.Tensor) { b.Mix(y[0], x[0], x[1]) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) { b.MixGrad(dx[0], dx[1], dy[0], x[0], x[1]) },
	}
}

func normalize(R, K int) Case {
	return Case{
		Op: "Normalize", Grad: "NormalizeGrad", Name: title("r", R, "k", K),
		In: []Operand{normal("x", R, K)}, Out: []Operand{result("y", R, K)},
		Forward:  func(b kernels.Backend, y, x []kernels.Tensor) { b.Normalize(y[0], x[0]) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) { b.NormalizeGrad(dx[0], dy[0], x[0]) },
	}
}

func topKSoftmax(R, n, k int) Case {
	return Case{
		Op: "TopKSoftmax", Grad: "SoftmaxGrad", Name: title("r", R, "n", n, "k", k),
		In: []Operand{spread("x", R, n)}, Out: []Operand{result("y", R, n)},
		Forward:  func(b kernels.Backend, y, x []kernels.Tensor) { b.TopKSoftmax(y[0], x[0], k) },
		Backward: func(b kernels.Backend, dx, dy, y, _ []kernels.Tensor) { b.SoftmaxGrad(dx[0], dy[0], y[0]) },
	}
}

// nearlyOne spaces the entries so far apart that one has nearly all of the softmax: the
// gradient is small, but still has significant digits.
func (c Case) nearlyOne() Case {
	return c.with("nearlyone", 0, Operand{Name: "x", Shape: c.In[0].Shape, fill: func(r *rand.Rand, v []float64) {
		for i, place := range r.Perm(len(v)) {
			v[i] = float64(14*place) + r.Float64()
		}
	}})
}

// spread is an operand whose entries are at least 0.2 apart, in random order, so that
// rounding cannot change which are the largest.
func spread(name string, shape ...int) Operand {
	return Operand{Name: name, Shape: shape, fill: func(r *rand.Rand, v []float64) {
		for i, place := range r.Perm(len(v)) {
			v[i] = 0.3*float64(place) + 0.1*r.Float64()
		}
	}}
}

// scaleRows is ScaleRows of R rows of the given shape.
func scaleRows(R int, shape ...int) Case {
	dims := append([]int{R}, shape...)
	return Case{
		Op: "ScaleRows", Grad: "ScaleRowsGrad", Name: shapeTitle(dims),
		In: []Operand{normal("x", dims...), normal("s", R)}, Out: []Operand{result("y", dims...)},
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) { b.ScaleRows(y[0], x[0], x[1]) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) {
			b.ScaleRowsGrad(dx[0], dx[1], dy[0], x[0], x[1])
		},
	}
}
