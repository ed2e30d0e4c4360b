package kerneltest

import "clusir/internal/kernels"

func pointwiseCases() []Case {
	return []Case{
		add(1, 1), add(-2, 3, 5, 7), add(1, 2, 17, 33, 65).large(),
		add(0.5, 1).inPlace(), add(-2, 3, 5, 7).inPlace(), add(1, 2, 17, 33, 65).inPlace().large(),
	}
}

func add(s float32, shape ...int) Case {
	return Case{
		Op: "Add", Name: title("s", s, shapeTitle(shape)),
		In: []Operand{normal("a", shape...), normal("b", shape...)}, Out: []Operand{result("y", shape...)},
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) { b.Add(y[0], x[0], x[1], s) },
	}
}

// inPlace writes the result over the first operand.
func (c Case) inPlace() Case {
	forward := c.Forward
	c = c.with("inplace", 0, c.In[0].as(state))
	c.Out, c.Forward = nil, func(b kernels.Backend, _, x []kernels.Tensor) { forward(b, x[:1], x) }
	return c
}

// shapeTitle names a shape, as in 3x5x7.
func shapeTitle(shape []int) string {
	s := title(shape[0])
	for _, d := range shape[1:] {
		s += "x" + title(d)
	}
	return s
}
