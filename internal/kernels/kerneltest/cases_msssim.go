package kerneltest

import (
	"math"
	"math/rand/v2"

	"clusir/internal/kernels"
)

func msssimCases() []Case {
	return []Case{
		msssim(1, 3, 11, 11, noisy), // 1 scale
		msssim(3, 2, 12, 30, noisy),
		msssim(2, 1, 22, 23, noisy), // 2
		msssim(1, 2, 44, 57, noisy).large(),
		msssim(1, 1, 45, 47, noisy),           // 3, odd at two scales
		msssim(1, 1, 90, 99, noisy).large(),   // 4
		msssim(2, 1, 176, 178, noisy).large(), // 5
		msssim(1, 2, 24, 26, flat),
		msssim(1, 2, 24, 26, inverted),
	}
}

// picture is how the pair of MSSSIM's images is made.
type picture string

const (
	noisy    picture = "noisy"    // a smooth image and itself with noise
	flat     picture = "flat"     // almost constant and bright: E[x²] − μ² would be all rounding
	inverted picture = "inverted" // of opposite sign: terms below the floor, which have no gradient
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
