package kerneltest

import (
	"math"
	"math/rand/v2"

	"clusir/internal/kernels"
)

func lossCases() []Case {
	return []Case{
		l1(1, 3, 6, 10), l1(3, 5, 1, 1), l1Equal(), l1(2, 3, 70, 130).large(),

		msssim(1, 3, 11, 11, noisy), // 1 scale
		msssim(3, 2, 12, 30, noisy),
		msssim(2, 1, 22, 23, noisy), // 2
		msssim(1, 2, 44, 57, noisy).large(),
		msssim(1, 1, 45, 47, noisy),           // 3, odd at two scales
		msssim(1, 1, 90, 99, noisy).large(),   // 4
		msssim(2, 1, 176, 178, noisy).large(), // 5
		msssim(1, 2, 24, 26, flat),
		msssim(1, 2, 24, 26, inverted),

		orthogonality(1, 5).vanishing(), orthogonality(3, 24), orthogonality(6, 17), orthogonality(3, 384).large(),
	}
}

func l1(shape ...int) Case {
	return Case{
		Op: "L1", Grad: "L1Grad", Name: shapeTitle(shape),
		In: []Operand{aside("x", shape...), uniform("t", shape...).scaled(.1, -.05).as(fixed)}, Out: []Operand{result("y", 1)},
		Forward:  func(b kernels.Backend, y, x []kernels.Tensor) { b.L1(y[0], x[0], x[1]) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) { b.L1Grad(dx[0], dy[0], x[0], x[1]) },
	}
}

// aside is an operand of numbers at least 0.1 away from 0, with a gradient.
func aside(name string, shape ...int) Operand {
	o := normal(name, shape...)
	fill := o.fill
	o.fill = func(r *rand.Rand, v []float64) {
		fill(r, v)
		for i, x := range v {
			v[i] = x + math.Copysign(.1, x)
		}
	}
	return o
}

// l1Equal has entries where x = t: their gradient is 0.
func l1Equal() Case {
	return l1(7).with("equal", 0, given("x", []float64{1, 2, 3}, 7).as(smooth)).with("steps", 1, given("t", []float64{1, 0}, 7))
}

// picture is how the pair of MSSSIM's images is made.
type picture string

const (
	noisy    picture = "noisy"    // a smooth image and itself with noise
	flat     picture = "flat"     // almost constant and bright: E[x²] − μ² would be all rounding
	inverted picture = "inverted" // against each other: terms below the floor, which have no gradient
)

func msssim(b, c, h, w int, p picture) Case {
	contrast, noise := .3, .05
	switch p {
	case flat:
		contrast, noise = 0, .002
	case inverted:
		contrast, noise = -.3, .01
	}
	t := waves("t", .3, 0, b, c, h, w).as(fixed)
	if p == flat {
		t = waves("t", 0, .001, b, c, h, w).as(fixed)
	}
	return Case{
		Op: "MSSSIM", Grad: "MSSSIMGrad", Name: title("b", b, "c", c, "h", h, "w", w, string(p)),
		In: []Operand{waves("x", contrast, noise, b, c, h, w), t}, Out: []Operand{result("y", 1)},
		Forward:  func(b kernels.Backend, y, x []kernels.Tensor) { b.MSSSIM(y[0], x[0], x[1]) },
		GradTol:  1e-4, // rounding of x alone is 5e-6 in the flat case
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) { b.MSSSIMGrad(dx[0], dy[0], x[0], x[1]) },
	}
}

// waves is an image of waves of the given contrast about 0.6 with noise.
func waves(name string, contrast, noise float64, b, c, h, w int) Operand {
	return Operand{Name: name, Shape: kernels.Shape{b, c, h, w}, fill: func(r *rand.Rand, v []float64) {
		for i := range v {
			x, y, plane := float64(i%w), float64(i/w%h), float64(i/(w*h))
			v[i] = .6 + contrast*math.Sin(.5*x+plane)*math.Cos(.3*y-plane) + noise*r.NormFloat64()
		}
	}}
}

func orthogonality(N, D int) Case {
	return Case{
		Op: "Orthogonality", Grad: "OrthogonalityGrad", Name: title("n", N, "d", D),
		In: []Operand{normal("p", N, D)}, Out: []Operand{result("y", 1)},
		Forward:  func(b kernels.Backend, y, x []kernels.Tensor) { b.Orthogonality(y[0], x[0]) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) { b.OrthogonalityGrad(dx[0], dy[0], x[0]) },
	}
}
