package kerneltest

import "clusir/internal/kernels"

func optimCases() []Case {
	usual := kernels.Adam{LR: 2e-4, Beta1: .9, Beta2: .999, Eps: 1e-8}
	return []Case{
		adam("one", usual, adamParam{size: 5, step: 0}),
		adam("late", usual, adamParam{size: 17, step: 1000}),
		adam("reached", usual, adamParam{size: 7, step: 3, count: []float64{2}}, adamParam{size: 24, step: 3, count: []float64{0}},
			adamParam{size: 1, step: 0}, adamParam{size: 33, step: 0, count: []float64{0}}, adamParam{size: 5, step: 9, count: []float64{1}}),
		adam("settings", kernels.Adam{LR: .1, Beta1: .5, Beta2: .9, Eps: .01}, adamParam{size: 9, step: 1}),
		adam("many", usual, adamParam{size: 10007, step: 2}, adamParam{size: 3, step: 2}, adamParam{size: 4096, step: 2}),
		clipNorm("over", 1, 17, 3, 40), clipNorm("under", 1e3, 5), clipNorm("long", .5, 70001, 1, 4099).large(),
		average("one", .25, 33), average("few", .001, 5, 1, 4097), average("all", 1, 9),
		cleared("one", 3), cleared("few", 5, 1, 4097, 64), cleared("none"),
	}
}

// adamParam is a parameter with its number of updates and, unless every sample reaches
// it, the number of samples that did.
type adamParam struct {
	size  int
	step  float64
	count []float64
}

// adam has parameters small enough for a wrong update to show.
func adam(name string, a kernels.Adam, ps ...adamParam) Case {
	c := Case{Op: "Adam", Name: name}
	for i, p := range ps {
		reached := none(title("reached", i))
		if p.count != nil {
			other := 1 - min(p.count[0], 1) // of the numbers beside it
			reached = given(title("reached", i), []float64{other, p.count[0], other}, 3)
		}
		c.In = append(c.In,
			normal(title("param", i), p.size).scaled(1e-3, 0).as(state), normal(title("grad", i), p.size),
			normal(title("m", i), p.size).as(state), uniform(title("v", i), p.size).scaled(1, .1).as(state),
			given(title("step", i), []float64{p.step}, 1).as(state), reached)
	}
	c.Forward = func(b kernels.Backend, _, x []kernels.Tensor) {
		var ps []kernels.AdamParam
		for ; len(x) > 0; x = x[6:] {
			ps = append(ps, kernels.AdamParam{Param: x[0], Grad: x[1], M: x[2], V: x[3], Step: x[4], Reached: kernels.Element{Tensor: x[5], Index: 1}})
		}
		b.Adam(ps, a)
	}
	return c
}

func clipNorm(name string, limit float32, sizes ...int) Case {
	c := Case{Op: "ClipNorm", Name: name}
	for i, n := range sizes {
		c.In = append(c.In, normal(title("grad", i), n).as(state))
	}
	c.Forward = func(b kernels.Backend, _, x []kernels.Tensor) { b.ClipNorm(x, limit) }
	return c
}

func cleared(name string, sizes ...int) Case {
	c := Case{Op: "Clear", Name: name}
	for i, n := range sizes {
		c.In = append(c.In, normal(title("tensor", i), n).as(state))
	}
	c.Forward = func(b kernels.Backend, _, x []kernels.Tensor) { b.Clear(x...) }
	return c
}

func average(name string, a float32, sizes ...int) Case {
	c := Case{Op: "Average", Name: name}
	for i, n := range sizes {
		c.In = append(c.In, normal(title("average", i), n).as(state))
	}
	for i, n := range sizes {
		c.In = append(c.In, normal(title("weights", i), n))
	}
	n := len(sizes)
	c.Forward = func(b kernels.Backend, _, x []kernels.Tensor) { b.Average(x[:n], x[n:], a) }
	return c
}
