package kerneltest

import (
	"math"

	"clusir/internal/kernels"
)

func waveletCases() []Case {
	return []Case{
		waveletReduce(1, 4, 6, 10),
		waveletReduce(3, 24, 2, 34),
		waveletReduce(2, 20, 2, 2),
		waveletReduce(1, 68, 14, 6),
		waveletReduce(1, 12, 4, 6).with("offset", 0, normal("x", 1, 12, 4, 6).scaled(1, 10)), // E[x²] − mean² would lose digits
		waveletReduce(1, 16, 70, 130).large(),
		waveletReduce(2, 48, 34, 66).large(),

		waveletMerge(1, 4, 6, 10),
		waveletMerge(3, 24, 2, 34),
		waveletMerge(2, 20, 2, 2),
		waveletMerge(1, 68, 14, 6),
		waveletMerge(1, 16, 70, 130).large(),
		waveletMerge(2, 48, 34, 66).large(),
	}
}

func waveletReduce(b, c, h, w int) Case {
	return Case{
		Op: "WaveletReduce", Grad: "WaveletReduceGrad", Name: title("b", b, "c", c, "h", h, "w", w),
		In:  []Operand{normal("x", b, c, h, w), normal("norm.weight", c), normal("norm.bias", c), weight("w", c/4, c)},
		Out: []Operand{result("y", b, c, h/2, w/2)},
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) {
			b.WaveletReduce(y[0], x[0], norm(x[1:]), x[3])
		},
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) {
			b.WaveletReduceGrad(dx[0], norm(dx[1:]), dx[3], dy[0], x[0], norm(x[1:]), x[3])
		},
	}
}

func waveletMerge(b, c, h, w int) Case {
	return Case{
		Op: "WaveletMerge", Grad: "WaveletMergeGrad", Name: title("b", b, "c", c, "h", h, "w", w),
		In: []Operand{normal("x", b, c, h, w).as(fixed), normal("s", b, c, h/2, w/2),
			normal("m", b, c, c).scaled(1/math.Sqrt(float64(c)), 0), weight("w", c, c/2)},
		Out:     []Operand{result("y", b, c, h, w)},
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) { b.WaveletMerge(y[0], x[0], x[1], x[2], x[3]) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) {
			b.WaveletMergeGrad(dx[1], dx[2], dx[3], dy[0], x[1], x[2], x[3])
		},
	}
}
