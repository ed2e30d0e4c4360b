package kerneltest

import "clusir/internal/kernels"

func convCases() []Case {
	return []Case{
		conv1x1(1, 6, 10, 5, false, 17),
		conv1x1(1, 6, 10, 5, true, 17),
		conv1x1(3, 2, 34, 24, false, 5),
		conv1x1(3, 7, 9, 24, true, 24),
		conv1x1(2, 1, 1, 72, false, 24), // a single pixel, as in FSB
		conv1x1(1, 1, 13, 8, false, 48),
		conv1x1(2, 6, 10, 17, false, 5, 12),
		conv1x1(1, 6, 10, 8, true, 8, 8),
		conv1x1(3, 5, 7, 9, true, 3, 4, 5),
		conv1x1(2, 4, 4, 16, false, 16, 1, 16),
		conv1x1(1, 33, 65, 48, false, 96).large(),
		conv1x1(2, 48, 66, 20, true, 33, 7).large(),
		conv1x1(1, 2, 34, 200, false, 300).large(),

		conv3x3(plain, 1, 3, 6, 10, 8),
		conv3x3(plain, 3, 5, 7, 9, 17),
		conv3x3(plain, 1, 24, 2, 34, 3),
		conv3x3(plain, 2, 17, 2, 2, 24),
		conv3x3(plain, 1, 4, 1, 1, 4),
		conv3x3(plain, 2, 6, 1, 19, 5),
		conv3x3(plain, 2, 6, 19, 1, 5),
		conv3x3(unshuffle, 1, 8, 6, 10, 4),
		conv3x3(unshuffle, 3, 5, 2, 34, 7),
		conv3x3(unshuffle, 2, 24, 4, 2, 12),
		conv3x3(shuffle, 1, 8, 3, 5, 16),
		conv3x3(shuffle, 3, 5, 1, 17, 12),
		conv3x3(shuffle, 2, 24, 2, 2, 20),
		conv3x3(plain, 1, 48, 65, 70, 24).large(),
		conv3x3(unshuffle, 2, 16, 66, 38, 10).large(),
		conv3x3(shuffle, 1, 20, 33, 65, 40).large(),
		conv3x3(plain, 1, 200, 3, 5, 136).large(),
	}
}

// conv1x1 is Conv1x1 from inputs of cs channels to o channels.
func conv1x1(b, h, w, o int, bias bool, cs ...int) Case {
	c := Case{Op: "Conv1x1", Grad: "Conv1x1Grad", Out: []Operand{result("y", b, o, h, w)}}
	c.Name = title("b", b, "h", h, "w", w, "o", o, choose(bias, "bias", "nobias"))
	sum := 0
	for i, n := range cs {
		sum += n
		c.Name += title("_c", n)
		c.In = append(c.In, normal(title("x", i), b, n, h, w))
	}
	c.In = append([]Operand{weight("w", o, sum), normal("bias", o).optional(bias)}, c.In...)
	c.Forward = func(b kernels.Backend, y, x []kernels.Tensor) { b.Conv1x1(y[0], x[0], x[1], x[2:]...) }
	c.Backward = func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) {
		b.Conv1x1Grad(dx[2:], dx[0], dx[1], dy[0], x[0], x[2:]...)
	}
	return c
}

// layout is how Conv3x3 stores its result.
type layout string

const (
	plain     layout = "plain"
	shuffle   layout = "shuffle"
	unshuffle layout = "unshuffle"
)

func conv3x3(l layout, b, c, h, w, o int) Case {
	y := map[layout]kernels.Shape{plain: {b, o, h, w}, shuffle: {b, o / 4, 2 * h, 2 * w}, unshuffle: {b, 4 * o, h / 2, w / 2}}[l]
	return Case{
		Op: "Conv3x3", Grad: "Conv3x3Grad", Name: title(string(l), "b", b, "c", c, "h", h, "w", w, "o", o),
		In:      []Operand{normal("x", b, c, h, w), weight("w", o, c, 3, 3)},
		Out:     []Operand{result("y", y...)},
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) { b.Conv3x3(y[0], x[0], x[1]) },
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) {
			b.Conv3x3Grad(dx[0], dx[1], dy[0], x[0], x[1])
		},
	}
}
