package kerneltest

import (
	"math"
	"math/rand/v2"
	"testing"

	"clusir/internal/kernels/ref"
)

// TestTolerancesAreFair moves every operand of a case by half a unit in the last place
// of float32 and requires the exact results to move by less than a quarter of what the
// case allows: otherwise no float32 backend could pass.
func TestTolerancesAreFair(t *testing.T) {
	forCases(t, Options{}, func(t *testing.T, c Case) {
		e := c.expect()
		moved := e
		moved.in, moved.dy, moved.given = shaken(e.in, c.In), shaken(e.dy, c.Out), shaken(e.given, c.Out)
		y, x, dx := c.everything(ref.New(), moved)
		_, _, exact := c.everything(ref.New(), e)
		for i, o := range c.Out {
			checkFair(t, o.Name, y[i], e.y[i], Options{}.bound(c.Tol, max(largest(e.y[i]), c.Floor)))
		}
		for i, o := range c.In {
			if o.role == state {
				checkFair(t, o.Name, x[i], e.x[i], Options{}.bound(c.Tol, largest(e.x[i])))
			}
			if dx != nil {
				checkFair(t, "d"+o.Name, dx[i], exact[i], Options{}.bound(c.GradTol, max(largest(e.dx[i]), c.Floor)))
			}
		}
	})
}

func checkFair(t *testing.T, name string, got, want []float64, bound float64) {
	t.Helper()
	for i := range want {
		if d := math.Abs(got[i] - want[i]); !(d <= bound/4) {
			t.Errorf("%s, element %d: rounding of the operands alone makes %.2g of the %.2g allowed", name, i, d, bound)
			return
		}
	}
}

// shaken returns v with every number that an operation may round moved.
func shaken(v values, os []Operand) values {
	r := rand.New(rand.NewPCG(1, 2))
	s := make(values, len(v))
	for i, x := range v {
		s[i] = append([]float64(nil), x...)
		if os[i].exact {
			continue
		}
		for j := range s[i] {
			s[i][j] *= 1 + math.Ldexp(float64(1-2*r.IntN(2)), -24)
		}
	}
	return s
}
