package kerneltest

import "clusir/internal/kernels"

func lossCases() []Case {
	return []Case{
		l1(0, 1, 3, 6, 10), l1(0, 3, 5, 1, 1), l1Equal(0), l1(0, 2, 3, 70, 130).large(),
		l1(.5, 1, 3, 6, 10), l1(.02, 3, 5, 1, 1), l1Equal(1.5), l1(.3, 2, 3, 70, 130).large(),

		orthogonality(1, 5).vanishing(), orthogonality(3, 24), orthogonality(6, 17), orthogonality(3, 384).large(),
	}
}

func l1(beta float32, shape ...int) Case {
	name := shapeTitle(shape)
	if beta > 0 {
		name = title(name, "beta", beta)
	}
	return Case{
		Op: "L1", Grad: "L1Grad", Name: name,
		In: []Operand{normal("x", shape...).aside(.1), uniform("t", shape...).scaled(.1, -.05).as(fixed)}, Out: []Operand{result("y", 1)},
		Forward:  func(b kernels.Backend, y, x []kernels.Tensor) { b.L1(y[0], x[0], x[1], beta) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) { b.L1Grad(dx[0], dy[0], x[0], x[1], beta) },
	}
}

// l1Equal has entries with x = t, whose gradient is 0.
func l1Equal(beta float32) Case {
	return l1(beta, 7).with("equal", 0, given("x", []float64{1, 2, 3}, 7).as(smooth)).with("steps", 1, given("t", []float64{1, 0}, 7))
}

func orthogonality(N, D int) Case {
	return Case{
		Op: "Orthogonality", Grad: "OrthogonalityGrad", Name: title("n", N, "d", D),
		In: []Operand{normal("p", N, D)}, Out: []Operand{result("y", 1)},
		Forward:  func(b kernels.Backend, y, x []kernels.Tensor) { b.Orthogonality(y[0], x[0]) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) { b.OrthogonalityGrad(dx[0], dy[0], x[0]) },
	}
}
