package kerneltest

import "clusir/internal/kernels"

// fftSizes are sides of every kind: the smallest, small primes, 11, 13, 31 as
// factors, powers of two, those of photographs, and 101 and 103, for which a
// direct transform is too slow.
var fftSizes = []struct {
	b, c, h, w int
	large      bool
}{
	{1, 1, 2, 2, false}, {3, 5, 2, 6, false}, {1, 3, 6, 10, false}, {2, 1, 14, 2, false}, {1, 2, 10, 14, false},
	{1, 2, 22, 26, false}, {2, 3, 8, 18, false}, {1, 1, 62, 12, false}, {1, 1, 16, 62, false}, {3, 2, 64, 32, false},
	{1, 1, 30, 42, false}, {1, 7, 64, 64, true}, {2, 2, 120, 80, true}, {1, 1, 240, 160, true}, {1, 1, 74, 94, true}, {1, 1, 202, 206, true},
}

func fftCases() []Case {
	var cs []Case
	for _, of := range []func(b, c, h, w int) Case{rfft2, irfft2} {
		for _, s := range fftSizes {
			c := of(s.b, s.c, s.h, s.w)
			c.Large = s.large
			cs = append(cs, c)
		}
	}
	return cs
}

func rfft2(b, c, h, w int) Case {
	return Case{
		Op: "RFFT2", Grad: "IRFFT2", Name: title("b", b, "c", c, "h", h, "w", w),
		In: []Operand{normal("x", b, c, h, w)}, Out: []Operand{spectrum("z", b, c, h, w)},
		Forward:  func(b kernels.Backend, y, x []kernels.Tensor) { b.RFFT2(y[0], x[0], 1, false) },
		Backward: func(b kernels.Backend, dx, dy, _, _ []kernels.Tensor) { b.IRFFT2(dx[0], dy[0], 0.5, true) },
	}
}

// irfft2 is IRFFT2 of spectra that do not belong to a real image.
func irfft2(b, c, h, w int) Case {
	return Case{
		Op: "IRFFT2", Grad: "RFFT2", Name: title("b", b, "c", c, "h", h, "w", w),
		In: []Operand{spectrum("z", b, c, h, w)}, Out: []Operand{result("x", b, c, h, w)},
		Forward:  func(b kernels.Backend, y, x []kernels.Tensor) { b.IRFFT2(y[0], x[0], 1, false) },
		Backward: func(b kernels.Backend, dx, dy, _, _ []kernels.Tensor) { b.RFFT2(dx[0], dy[0], 2, true) },
	}
}

func spectrum(name string, b, c, h, w int) Operand { return normal(name, b, 2*c, h, w/2+1) }
