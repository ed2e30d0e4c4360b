package kerneltest

import "clusir/internal/kernels"

func pointwiseCases() []Case {
	return []Case{
		add(1), add(3, 5, 7), add(2, 17, 33, 65).large(),
		axpy(0.5, 1), axpy(-2, 3, 5, 7), axpy(1, 2, 17, 33, 65).large(),
	}
}

func add(shape ...int) Case {
	return Case{
		Op: "Add", Name: shapeTitle(shape),
		In: []Operand{normal("a", shape...), normal("b", shape...)}, Out: []Operand{result("y", shape...)},
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) { b.Add(y[0], x[0], x[1]) },
	}
}

func axpy(a float32, shape ...int) Case {
	return Case{
		Op: "Axpy", Name: title("a", a, shapeTitle(shape)),
		In:      []Operand{normal("y", shape...).as(state), normal("x", shape...)},
		Forward: func(b kernels.Backend, _, x []kernels.Tensor) { b.Axpy(x[0], x[1], a) },
	}
}

// shapeTitle names a shape, as in 3x5x7.
func shapeTitle(shape []int) string {
	s := title(shape[0])
	for _, d := range shape[1:] {
		s += "x" + title(d)
	}
	return s
}
