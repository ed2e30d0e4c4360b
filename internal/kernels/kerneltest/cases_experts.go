package kerneltest

import "clusir/internal/kernels"

func expertsCases() []Case {
	return []Case{
		gatedFFN(1, 5, 6, 10, 7),
		gatedFFN(3, 8, 7, 9, 21),
		gatedFFN(1, 24, 2, 34, 72),
		gatedFFN(2, 17, 2, 2, 20),
		gatedFFN(1, 16, 1, 1, 48),
		gatedFFN(2, 6, 1, 19, 5),
		gatedFFN(1, 16, 6, 10, 21, []float64{0.7}),
		gatedFFN(3, 8, 6, 10, 10, []float64{0.3, 0, 0.7}, []float64{0, 0, 1}, []float64{0.5, 0, 0.5}), // expert 1 idles
		gatedFFN(2, 12, 2, 34, 15, []float64{0.25, 0, 0, 0.75}, []float64{0, 0.4, 0.6, 0}),
		gatedFFN(3, 24, 3, 5, 30, []float64{0, 1}, []float64{1, 0}, []float64{-0.5, 1.5}),
		gatedFFN(2, 5, 7, 7, 6, []float64{0, 0}, []float64{0.1, 0.9}),                                              // a sample without experts
		gatedFFN(2, 6, 3, 5, 7, []float64{0.1, 0.2, 0, 0.3, 0.15, 0.25}, []float64{0, 0, 0, 0, 0, 1}).frozen(1, 5), // many at once
		gatedFFN(1, 12, 4, 6, 9).with("offset", 0, normal("x", 1, 12, 4, 6).scaled(1, 10)),                         // E[x²] − mean² would lose digits
		gatedFFN(1, 8, 2, 3, 5).with("flat", 0, given("x", []float64{3}, 1, 8, 2, 3)),                              // no variance
		gatedFFN(1, 16, 70, 130, 48).large(),
		gatedFFN(2, 48, 33, 35, 60, []float64{0.6, 0, 0.4}, []float64{0, 0.2, 0.8}).large(),
		gatedFFN(1, 128, 6, 10, 384).large(),
	}
}

// gatedFFN is GatedFFN with the given rows of route, or one expert and no route.
func gatedFFN(b, c, h, w, hidden int, route ...[]float64) Case {
	experts := 1
	var flat []float64
	for _, row := range route {
		experts, flat = len(row), append(flat, row...)
	}
	routing := "unrouted"
	in := []Operand{normal("x", b, c, h, w), normal("norm.weight", c), normal("norm.bias", c), none("route")}
	if route != nil {
		routing = title("experts", experts)
		in[3] = given("route", flat, b, experts).as(routed)
	}
	for e := range experts {
		in = append(in, weight(title("expand", e), 2*hidden, c),
			weight(title("depthwise", e), 2*hidden, 3, 3), weight(title("project", e), c, hidden))
	}
	return Case{
		Op: "GatedFFN", Grad: "GatedFFNGrad", Products: 3, In: in, Out: []Operand{result("y", b, c, h, w)},
		Name: title("b", b, "c", c, "h", h, "w", w, "hidden", hidden, routing),
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) {
			b.GatedFFN(y[0], x[0], norm(x[1:]), ffns(x[4:]), x[3])
		},
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) {
			b.GatedFFNGrad(dx[0], norm(dx[1:]), ffns(dx[4:]), dx[3], dy[0], x[0], norm(x[1:]), ffns(x[4:]), x[3])
		},
	}
}

// frozen leaves experts first to last−1 without gradients.
func (c Case) frozen(first, last int) Case {
	for i := 4 + 3*first; i < 4+3*last; i++ {
		c.In[i] = c.In[i].as(fixed)
	}
	return c
}

// norm is the layer norm whose weight and bias come first in x.
func norm(x []kernels.Tensor) kernels.Norm { return kernels.Norm{Weight: x[0], Bias: x[1]} }

// ffns reads expand, depthwise, project of consecutive experts.
func ffns(x []kernels.Tensor) []kernels.FFN {
	var es []kernels.FFN
	for ; len(x) > 0; x = x[3:] {
		es = append(es, kernels.FFN{Expand: x[0], Depthwise: x[1], Project: x[2]})
	}
	return es
}
