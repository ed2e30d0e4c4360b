package kerneltest

import (
	"testing"

	"clusir/internal/kernels"
)

// testIdentities tests properties that need no reference: transforms that invert each
// other, and gradients that are transposes.
func testIdentities(t *testing.T, b kernels.Backend, o Options) {
	for _, s := range fftSizes {
		if s.large && o.Small {
			continue
		}
		t.Run(title("h", s.h, "w", s.w), guarded(func(t *testing.T) {
			x := drawn("x", s.b, s.c, s.h, s.w)
			checkUndone(t, b, o, "IDWT(DWT(x))", x, kernels.Shape{s.b, s.c, s.h / 2, s.w / 2}, kernels.Shape{s.b, 3 * s.c, s.h / 2, s.w / 2},
				func(ll, bands, x kernels.Tensor) { b.DWT(ll, bands, x, false) },
				func(y, ll, bands kernels.Tensor) { b.IDWT(y, ll, bands, kernels.Tensor{}) })
			z := spectrum("z", s.b, s.c, s.h, s.w).Shape
			checkUndone(t, b, o, "IRFFT2(RFFT2(x))", x, z, kernels.Shape{1},
				func(z, _, x kernels.Tensor) { b.RFFT2(z, x, 1, false) },
				func(y, z, _ kernels.Tensor) { b.IRFFT2(y, z, 1, false) })
			checkTransposed(t, b, o, "RFFT2's gradient", x, drawn("z", z...),
				func(z, x kernels.Tensor) { b.RFFT2(z, x, 1, false) },
				func(dx, dz kernels.Tensor) { b.IRFFT2(dx, dz, 0.5, true) })
			checkTransposed(t, b, o, "IRFFT2's gradient", drawn("z", z...), x,
				func(x, z kernels.Tensor) { b.IRFFT2(x, z, 1, false) },
				func(dz, dx kernels.Tensor) { b.RFFT2(dz, dx, 2, true) })
		}))
	}
}

// sample is a named operand with its values.
type sample struct {
	Operand
	v []float64
}

func drawn(name string, shape ...int) sample {
	o := normal(name, shape...)
	return sample{o, o.draw(Case{Op: "identity", Name: shapeTitle(shape)})}
}

// checkUndone requires backwards(forwards(x)) = x, by way of two tensors.
func checkUndone(t reporter, b kernels.Backend, o Options, name string, x sample, first, second kernels.Shape,
	forwards func(a, b, x kernels.Tensor), backwards func(y, a, b kernels.Tensor)) {
	t.Helper()
	xs := upload(b, []Operand{x.Operand}, values{x.v})
	between := poisoned(b, []Operand{result("a", first...), result("b", second...)})
	y := poisoned(b, []Operand{x.Operand})
	forwards(between[0], between[1], xs[0])
	backwards(y[0], between[0], between[1])
	got := downloadAll(b, y)
	downloadAll(b, append(xs, between...))
	compare(t, result(name, x.Shape...), got[0], x.v, o.bound(0, largest(x.v)))
}

// checkTransposed requires ⟨op(x), g⟩ = ⟨x, grad(g)⟩.
func checkTransposed(t reporter, b kernels.Backend, o Options, name string, x, g sample,
	op func(y, x kernels.Tensor), grad func(dx, dy kernels.Tensor)) {
	t.Helper()
	in := upload(b, []Operand{x.Operand, g.Operand}, values{x.v, g.v})
	out := poisoned(b, []Operand{g.Operand, x.Operand})
	op(out[0], in[0])
	b.Fill(out[1], 0)
	grad(out[1], in[1])
	got := downloadAll(b, out)
	downloadAll(b, in)
	left, right, size := 0.0, 0.0, 0.0
	for i, v := range got[0] {
		left += v * g.v[i]
	}
	for i, v := range got[1] {
		right += v * x.v[i]
		size += v * v
	}
	compare(t, result("⟨x, "+name+"⟩", 1), []float64{right}, []float64{left}, o.bound(0, size))
}
