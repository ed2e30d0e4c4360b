package kerneltest

import "clusir/internal/kernels"

func spatialCases() []Case {
	return []Case{
		meanHW(1, 5, 6, 10), meanHW(3, 17, 1, 1), meanHW(2, 24, 2, 34), meanHW(1, 16, 70, 130).large(),

		resize(1, 5, 8, 8, 24, 40), // up
		resize(3, 3, 6, 10, 6, 10), // same size
		resize(2, 17, 16, 16, 6, 10),
		resize(1, 4, 9, 7, 2, 34), // down and up
		resize(2, 5, 1, 1, 4, 6),
		resize(1, 3, 4, 4, 1, 1),
		resize(2, 8, 64, 64, 33, 65).large(),
		resize(1, 8, 16, 16, 70, 130).large(),
	}
}

func meanHW(b, c, h, w int) Case {
	return Case{
		Op: "MeanHW", Grad: "MeanHWGrad", Name: title("b", b, "c", c, "h", h, "w", w),
		In: []Operand{normal("x", b, c, h, w).scaled(1, .5)}, Out: []Operand{result("y", b, c)},
		Forward:  func(b kernels.Backend, y, x []kernels.Tensor) { b.MeanHW(y[0], x[0]) },
		Backward: func(b kernels.Backend, dx, dy, _, _ []kernels.Tensor) { b.MeanHWGrad(dx[0], dy[0]) },
	}
}

func resize(b, c, fromH, fromW, toH, toW int) Case {
	return Case{
		Op: "Resize", Grad: "ResizeGrad", Name: title("b", b, "c", c, "from", fromH, "x", fromW, "to", toH, "x", toW),
		In: []Operand{normal("x", b, c, fromH, fromW)}, Out: []Operand{result("y", b, c, toH, toW)},
		Forward:  func(b kernels.Backend, y, x []kernels.Tensor) { b.Resize(y[0], x[0]) },
		Backward: func(b kernels.Backend, dx, dy, _, _ []kernels.Tensor) { b.ResizeGrad(dx[0], dy[0]) },
	}
}
