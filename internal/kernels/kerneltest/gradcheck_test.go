package kerneltest

import (
	"math"
	"math/rand/v2"
	"testing"

	"clusir/internal/kernels/ref"
)

const (
	gradStep   = 1e-5
	lossNoise  = 1e-14 // relative rounding of a loss, a long sum, which the step magnifies
	gradBound  = 1e-6  // relative to the largest entry of a gradient
	gradProbes = 100   // entries of an operand that are tested individually
)

// TestGradientsByDifferences compares every gradient of ref with central differences of
// L = Σ dy·Op in float64: entry by entry in the small cases, along a random direction
// through all entries in the large ones.
func TestGradientsByDifferences(t *testing.T) {
	forCases(t, Options{}, func(t *testing.T, c Case) {
		if c.Grad == "" {
			return
		}
		e := c.expect()
		e.given = e.y // the gradient in terms of y, exactly
		e.dx, _ = c.gradient(ref.New(), e, make([]float64, len(c.In)), c.differentiable())
		for _, i := range c.differentiable() {
			scale := max(largest(e.dx[i]), c.Floor)
			for _, d := range c.directions(i, e.in[i]) {
				want, noise := c.slope(e, i, d)
				got := 0.0
				for j, v := range d {
					got += v * e.dx[i][j]
				}
				if diff := math.Abs(got - want); !(diff <= gradBound*scale+noise) {
					t.Errorf("d%s along %v: %s says %.12g, differences %.12g: off by %.2g of %.3g",
						c.In[i].Name, firstEntry(d), c.Grad, got, want, diff/scale, scale)
				}
			}
		}
	})
}

// directions returns sparse directions in which operand i, with values x, is moved.
func (c Case) directions(i int, x []float64) []map[int]float64 {
	r := rand.New(rand.NewPCG(uint64(i), uint64(len(x))))
	var entries []int
	for _, j := range r.Perm(len(x)) {
		if c.In[i].role != routed || x[j] != 0 { // an expert that does not run has no gradient
			entries = append(entries, j)
		}
	}
	if c.Large {
		d := map[int]float64{}
		for _, j := range entries {
			d[j] = r.NormFloat64() / math.Sqrt(float64(len(entries)))
		}
		return []map[int]float64{d}
	}
	var ds []map[int]float64
	for _, j := range entries[:min(len(entries), gradProbes)] {
		ds = append(ds, map[int]float64{j: 1})
	}
	return ds
}

// slope returns the central difference of L along d in operand i, and the possible
// error from rounding.
func (c Case) slope(e expected, i int, d map[int]float64) (slope, noise float64) {
	loss := func(step float64) float64 {
		in := append(values{}, e.in...)
		in[i] = append([]float64{}, in[i]...)
		for j, v := range d {
			in[i][j] += step * v
		}
		y, _ := c.forward(ref.New(), in)
		l := 0.0
		for k := range y {
			for j, v := range y[k] {
				l += v * e.dy[k][j]
			}
		}
		return l
	}
	up, down := loss(gradStep), loss(-gradStep)
	return (up - down) / (2 * gradStep), lossNoise * max(math.Abs(up), math.Abs(down)) / gradStep
}

// firstEntry names a direction in messages.
func firstEntry(d map[int]float64) any {
	if len(d) > 1 {
		return "all entries"
	}
	for j := range d {
		return j
	}
	return nil
}
