package kerneltest

import "clusir/internal/kernels"

func spectralCases() []Case {
	return []Case{
		spectralFusion(1, 5, 6, 10), spectralFusion(3, 8, 2, 2), spectralFusion(2, 17, 2, 34), spectralFusion(1, 24, 7, 6),
		clearOfKinks(spectralFusion(2, 16, 33, 34)).large(), clearOfKinks(spectralFusion(1, 48, 20, 30)).large(),
	}
}

// spectralFusion is SpectralFusion of the spectra of h×w planes.
func spectralFusion(b, c, h, w int) Case {
	in := []Operand{spectrum("z", b, c, h, w), spectrum("l", b, c, h, w)}
	for name, k := range []int{2 * c, 4 * c} {
		f := [2]string{"amplitude", "phase"}[name]
		in = append(in, weight(f+".W1", c, k), normal(f+".B1", c).scaled(.5, 0), weight(f+".W2", c, c), normal(f+".B2", c).scaled(.5, 0))
	}
	return Case{
		Op: "SpectralFusion", Grad: "SpectralFusionGrad", Products: 2, Name: title("b", b, "c", c, "h", h, "w", w),
		In: in, Out: []Operand{spectrum("y", b, c, h, w)},
		Forward: func(b kernels.Backend, y, x []kernels.Tensor) {
			b.SpectralFusion(y[0], x[0], x[1], fuse(x[2:]), fuse(x[6:]))
		},
		Backward: func(b kernels.Backend, dx, dy, _, x []kernels.Tensor) {
			b.SpectralFusionGrad(dx[0], dx[1], fuse(dx[2:]), fuse(dx[6:]), dy[0], x[0], x[1], fuse(x[2:]), fuse(x[6:]))
		},
	}
}

// clearOfKinks keeps the input of LeakyReLU away from 0: among many numbers a few come
// so close that rounding operands changes their sign, and with it the gradient.
func clearOfKinks(c Case) Case {
	for _, i := range []int{2, 6} { // W1 of either network, and B1
		c.In[i], c.In[i+1] = c.In[i].scaled(.25, 0), c.In[i+1].aside(1.5)
	}
	return c
}

func fuse(x []kernels.Tensor) kernels.Fuse {
	return kernels.Fuse{W1: x[0], B1: x[1], W2: x[2], B2: x[3]}
}
