package kerneltest

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/ref"
)

// faulty is ref with some methods replaced.
type faulty struct {
	kernels.Backend
	linear, grad func(b kernels.Backend, y, x, w, bias kernels.Tensor)
}

func (f faulty) Linear(y, x, w, bias kernels.Tensor) {
	f.Backend.Linear(y, x, w, bias)
	if f.linear != nil {
		f.linear(f.Backend, y, x, w, bias)
	}
}

func (f faulty) LinearGrad(dx, dw, dbias, dy, x, w kernels.Tensor) {
	if f.grad != nil {
		f.grad(f.Backend, dx, dw, dbias, x)
	}
	f.Backend.LinearGrad(dx, dw, dbias, dy, x, w)
}

// complaints collects what a check reports.
type complaints struct{ said []string }

func (c *complaints) Helper() {}
func (c *complaints) Errorf(format string, args ...any) {
	c.said = append(c.said, fmt.Sprintf(format, args...))
}

// TestFaultsAreFound plants a fault in Linear and expects the suite to name the wrong
// tensor.
func TestFaultsAreFound(t *testing.T) {
	for _, f := range []struct {
		fault, tensor string
		linear, grad  func(b kernels.Backend, y, x, w, bias kernels.Tensor)
	}{
		{fault: "an element that is off", tensor: "y[2 4]: got",
			linear: func(b kernels.Backend, y, _, _, _ kernels.Tensor) { poke(b, y, 14, 1e-3) }},
		{fault: "a result that is not written", tensor: "y[0 3]: got NaN",
			linear: func(b kernels.Backend, y, _, _, _ kernels.Tensor) { poke(b, y, 3, math.NaN()) }},
		{fault: "a source that is written", tensor: "w[1 0]: got",
			linear: func(b kernels.Backend, _, _, w, _ kernels.Tensor) { poke(b, w, 4, 1e-6) }},
		{fault: "a gradient that overwrites", tensor: "dw[",
			grad: func(b kernels.Backend, _, dw, _, _ kernels.Tensor) { b.Fill(dw, 0) }},
		{fault: "a gradient that is off", tensor: "dbias[0]",
			grad: func(b kernels.Backend, _, _, dbias, _ kernels.Tensor) { poke(b, dbias, 0, -1e-3) }},
		{fault: "a source that the gradient writes", tensor: "x[0 0]",
			grad: func(b kernels.Backend, _, _, _, x kernels.Tensor) { poke(b, x, 0, .5) }},
		{fault: "a destination that must not be absent", tensor: "panic: ref: no dbias",
			grad: func(_ kernels.Backend, _, _, dbias, _ kernels.Tensor) {
				if dbias.IsZero() {
					panic("ref: no dbias")
				}
			}},
	} {
		t.Run(f.fault, func(t *testing.T) {
			said := examine(faulty{Backend: ref.New(), linear: f.linear, grad: f.grad})
			if !strings.Contains(strings.Join(said, "\n"), f.tensor) {
				t.Errorf("the suite says %q: nothing of %q", said, f.tensor)
			}
		})
	}
	if said := examine(faulty{Backend: ref.New()}); said != nil {
		t.Errorf("the suite complains without a fault: %q", said)
	}
}

// examine returns what the suite reports for a row of Linear.
func examine(b kernels.Backend) []string {
	var r complaints
	func() {
		defer failOnPanic(&r)
		c := linear(3, 4, 5, true)
		e := c.expect()
		c.checkForward(&r, b, Options{}, e)
		c.checkGradient(&r, b, Options{}, e, c.differentiable())
		c.checkGradient(&r, b, Options{}, e, []int{0})
	}()
	return r.said
}

// poke adds d to element i of t, if t is present.
func poke(b kernels.Backend, t kernels.Tensor, i int, d float64) {
	if t.IsZero() {
		return
	}
	v := b.(*ref.Backend).Download64(t)
	v[i] += d
	b.(*ref.Backend).Upload64(t, v)
}

func TestDifferentBitsAreFound(t *testing.T) {
	var r complaints
	checkSameBits(&r, 2, "results", values{nil, {1, 2}}, values{nil, {1, math.Nextafter(2, 3)}})
	checkSameBits(&r, 2, "results", values{{math.Copysign(0, -1)}}, values{{0}})
	if len(r.said) != 2 {
		t.Errorf("two differences, but the check says %q", r.said)
	}
}
