package kerneltest

import "clusir/internal/kernels"

func haarCases() []Case {
	return []Case{
		dwt(1, 5, 6, 10), dwt(3, 17, 2, 34), dwt(2, 3, 2, 2), dwt(2, 24, 34, 66).large(),
		idwt(1, 5, 6, 10, false), idwt(3, 17, 2, 34, true), idwt(2, 3, 2, 2, true), idwt(2, 24, 34, 66, true).large(),
	}
}

func dwt(b, c, h, w int) Case {
	return Case{
		Op: "DWT", Grad: "IDWT", Name: title("b", b, "c", c, "h", h, "w", w),
		In:       []Operand{normal("x", b, c, h, w)},
		Out:      []Operand{result("ll", b, c, h/2, w/2), result("bands", b, 3*c, h/2, w/2)},
		Forward:  func(b kernels.Backend, y, x []kernels.Tensor) { b.DWT(y[0], y[1], x[0], false) },
		Backward: func(b kernels.Backend, dx, dy, _, _ []kernels.Tensor) { b.IDWT(dx[0], dy[0], dy[1], dx[0]) },
	}
}

// idwt is IDWT to h×w pixels.
func idwt(b, c, h, w int, res bool) Case {
	return Case{
		Op: "IDWT", Grad: "DWT", Name: title("b", b, "c", c, "h", h, "w", w, choose(res, "res", "nores")),
		In: []Operand{normal("ll", b, c, h/2, w/2), normal("bands", b, 3*c, h/2, w/2),
			normal("res", b, c, h, w).as(fixed).optional(res)},
		Out:      []Operand{result("y", b, c, h, w)},
		Forward:  func(b kernels.Backend, y, x []kernels.Tensor) { b.IDWT(y[0], x[0], x[1], x[2]) },
		Backward: func(b kernels.Backend, dx, dy, _, _ []kernels.Tensor) { b.DWT(dx[0], dx[1], dy[0], true) },
	}
}
