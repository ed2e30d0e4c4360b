package kerneltest

import "clusir/internal/kernels"

func routerCases() []Case {
	return []Case{
		tokens(1, 3, 5, true), tokens(3, 3, 24, true), tokens(3, 4, 17, false), tokens(2, 6, 128, true).large(),

		// keep lists the kept tokens of each sample.
		attend(1, 1, 3, 8, 1, 1, 0, 1),
		attend(3, 1, 3, 24, 2, 1, 1, 0, 0, 1, 1, 1, 0, 1),
		attend(3, 3, 3, 20, 4, 1, 1, 0, 0, 1, 1, 0, 0, 1),
		attend(2, 5, 4, 17, 1, .3, .7, 0, 0, 0, .5, .5, 0),
		attend(3, 4, 6, 256, 8, 1, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1).large(),

		sumKept(1, 3, 5, .4, 0, .6), sumKept(3, 3, 24, 1, 0, 0, 0, .5, .5, 0, 0, 0), sumKept(2, 5, 17, 0, 1),

		countRouted(1, 3, .4, 0, .6), countRouted(3, 4, 1, 0, 0, 0, .5, -.5), countRouted(5, 7, 0, .1, .9),
	}
}

func tokens(B, N, D int, eps bool) Case {
	return Case{
		Op: "Tokens", Grad: "TokensGrad", Name: title("b", B, "n", N, "d", D, choose(eps, "eps", "noeps")),
		In: []Operand{uniform("alpha", B, N), normal("mu", N, D), normal("logSigma", N, D).scaled(.5, -1),
			normal("eps", B, N, D).as(fixed).optional(eps)},
		Out:     []Operand{result("t", B, N, D)},
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) { b.Tokens(y[0], x[0], x[1], x[2], x[3]) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) {
			b.TokensGrad(dx[0], dx[1], dx[2], dy[0], x[0], x[1], x[2], x[3])
		},
		Floor: 1e-3, // without noise logσ has no gradient
	}
}

// attend is Attend with T queries, S tokens and the entries of keep, repeated to [B,S].
func attend(B, T, S, D, heads int, keep ...float64) Case {
	return Case{
		Op: "Attend", Grad: "AttendGrad", Name: title("b", B, "t", T, "s", S, "d", D, "heads", heads),
		In:      []Operand{normal("q", B, T, D), normal("k", B, S, D), normal("v", B, S, D), given("keep", keep, B, S)},
		Out:     []Operand{result("o", B, T, D)},
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) { b.Attend(y[0], x[0], x[1], x[2], x[3], heads) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) {
			b.AttendGrad(dx[0], dx[1], dx[2], dy[0], x[0], x[1], x[2], x[3], heads)
		},
	}
}

func sumKept(B, N, D int, keep ...float64) Case {
	return Case{
		Op: "SumKept", Grad: "SumKeptGrad", Name: title("b", B, "n", N, "d", D),
		In: []Operand{normal("t", B, N, D), given("keep", keep, B, N)}, Out: []Operand{result("y", B, D)},
		Forward:  func(b kernels.Backend, y, x []kernels.Tensor) { b.SumKept(y[0], x[0], x[1]) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) { b.SumKeptGrad(dx[0], dy[0], x[1]) },
	}
}

// countRouted starts from counts other than 0.
func countRouted(B, E int, route ...float64) Case {
	return Case{
		Op: "CountRouted", Name: title("b", B, "e", E),
		In:      []Operand{given("count", []float64{2, 0, 5}, E).as(state), given("route", route, B, E)},
		Forward: func(b kernels.Backend, _, x []kernels.Tensor) { b.CountRouted(x[0], x[1]) },
	}
}
