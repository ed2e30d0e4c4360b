package kerneltest

import "clusir/internal/kernels"

func filterCases() []Case {
	return []Case{
		batchNorm(3, 5, 0.1), batchNorm(4, 72, 0.1), batchNorm(3, 17, 0), batchNorm(8, 24, 1), batchNorm(2, 9, 0.1).vanishing(),
		batchNorm(4, 6, 0.1).with("offset", 0, normal("x", 4, 6).scaled(1, 10)),
		batchNormInfer(1, 5), batchNormInfer(3, 72),

		dynamicFilter(1, 8, 6, 10, 8, 3),
		dynamicFilter(3, 24, 2, 34, 8, 3),
		dynamicFilter(2, 6, 2, 2, 3, 3),
		dynamicFilter(2, 10, 6, 10, 5, 5),
		dynamicFilter(1, 4, 3, 17, 1, 5),
		dynamicFilter(1, 3, 4, 5, 3, 7),
		dynamicFilter(2, 5, 3, 4, 5, 1),
		dynamicFilter(2, 16, 34, 66, 8, 3).large(),
		dynamicFilter(1, 16, 35, 65, 4, 5).large(),

		sigmoidGate(1, 5, 6, 10), sigmoidGate(3, 51, 1, 17), sigmoidGate(2, 24, 33, 35).large(),
	}
}

func batchNorm(B, N int, momentum float32) Case {
	return Case{
		Op: "BatchNorm", Grad: "BatchNormGrad", Name: title("b", B, "n", N, "momentum", momentum),
		In: []Operand{normal("x", B, N), normal("weight", N), normal("bias", N),
			normal("mean", N).as(state), uniform("variance", N).scaled(1, .5).as(state)},
		Out:     []Operand{result("y", B, N)},
		GradTol: 1e-4,
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) {
			b.BatchNorm(y[0], x[0], x[1], x[2], x[3], x[4], momentum)
		},
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) {
			b.BatchNormGrad(dx[0], dx[1], dx[2], dy[0], x[0], x[1])
		},
	}
}

func batchNormInfer(B, N int) Case {
	return Case{
		Op: "BatchNormInfer", Name: title("b", B, "n", N),
		In: []Operand{normal("x", B, N), normal("weight", N), normal("bias", N), normal("mean", N),
			uniform("variance", N).scaled(1, .5)},
		Out:     []Operand{result("y", B, N)},
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) { b.BatchNormInfer(y[0], x[0], x[1], x[2], x[3], x[4]) },
	}
}

func dynamicFilter(b, c, h, w, groups, k int) Case {
	return Case{
		Op: "DynamicFilter", Grad: "DynamicFilterGrad", Name: title("b", b, "c", c, "h", h, "w", w, "groups", groups, "k", k),
		In:      []Operand{normal("x", b, c, h, w), uniform("f", b, groups, k*k).scaled(2/float64(k*k), 0)},
		Out:     []Operand{result("low", b, c, h, w), result("high", b, c, h, w)},
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) { b.DynamicFilter(y[0], y[1], x[0], x[1]) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) {
			b.DynamicFilterGrad(dx[0], dx[1], dy[0], dy[1], x[0], x[1])
		},
	}
}

func sigmoidGate(b, c, h, w int) Case {
	return Case{
		Op: "SigmoidGate", Grad: "SigmoidGateGrad", Name: title("b", b, "c", c, "h", h, "w", w),
		In: []Operand{normal("g", b, c, h, w).scaled(3, 0), normal("x", b, c, h, w)}, Out: []Operand{result("y", b, c, h, w)},
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) { b.SigmoidGate(y[0], x[0], x[1]) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) {
			b.SigmoidGateGrad(dx[0], dx[1], dy[0], x[0], x[1])
		},
	}
}
