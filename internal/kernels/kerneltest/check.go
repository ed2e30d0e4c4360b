package kerneltest

import (
	"fmt"
	"math"

	"clusir/internal/kernels"
	"clusir/internal/kernels/ref"
)

// reporter is the part of *testing.T that the checks need.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// values holds host copies of some tensors, nil if a tensor is absent.
type values [][]float64

// expected is package ref's result for a case.
type expected struct {
	in, dy values // the inputs of every backend
	y, x   values // the results, and the operands after the operation
	given  values // y rounded to float32, for gradients in terms of it
	dx     values
	floor  float64 // the case's
}

func (c Case) expect() expected {
	b := ref.New()
	e := expected{floor: c.Floor}
	for _, o := range c.In {
		e.in = append(e.in, o.draw(c))
	}
	e.y, e.x = c.forward(b, e.in)
	if c.Grad == "" {
		return e
	}
	for i, o := range c.Out {
		e.dy = append(e.dy, normal("d"+o.Name, o.Shape...).draw(c))
		e.given = append(e.given, rounded(append([]float64{}, e.y[i]...)))
	}
	e.dx, _ = c.gradient(b, e, make([]float64, len(c.In)), c.differentiable())
	return e
}

// forward runs Op and returns the results and the operands after it.
func (c Case) forward(b kernels.Backend, in values) (y, x values) {
	xs, ys := upload(b, c.In, in), poisoned(b, c.Out)
	c.Forward(b, ys, xs)
	return downloadAll(b, ys), downloadAll(b, xs)
}

// gradient runs Grad with destinations only for the operands in want, each filled with
// its start, and returns the destinations and the operands after it.
func (c Case) gradient(b kernels.Backend, e expected, start []float64, want []int) (dx, x values) {
	xs, dys, ys := upload(b, c.In, e.in), upload(b, c.Out, e.dy), upload(b, c.Out, e.given)
	dxs := make([]kernels.Tensor, len(c.In))
	for _, i := range want {
		dxs[i] = b.Alloc(c.In[i].Shape...)
		b.Fill(dxs[i], float32(start[i]))
	}
	c.Backward(b, dxs, dys, ys, xs)
	dx, x = downloadAll(b, dxs), downloadAll(b, xs)
	downloadAll(b, append(dys, ys...))
	return dx, x
}

// everything runs a case forward and backward with all gradients wanted.
func (c Case) everything(b kernels.Backend, e expected) (y, x, dx values) {
	y, x = c.forward(b, e.in)
	if c.Grad != "" {
		dx, _ = c.gradient(b, e, e.starts(), c.differentiable())
	}
	return y, x, dx
}

// starts returns a number other than 0 for each gradient, of its magnitude, so that a
// backend that overwrites is detected and one that adds loses no digits.
func (e expected) starts() []float64 {
	s := make([]float64, len(e.dx))
	for i, d := range e.dx {
		s[i] = 1
		if m := max(largest(d), e.floor); m > 0 {
			s[i] = math.Ldexp(1, math.Ilogb(m))
		}
	}
	return s
}

// checkForward compares the results and every operand after the operation: operands
// that are state too, the others bit for bit with what they were.
func (c Case) checkForward(t reporter, b kernels.Backend, o Options, e expected) {
	t.Helper()
	y, x := c.forward(b, e.in)
	for i, out := range c.Out {
		compare(t, out, y[i], e.y[i], o.of(c).bound(c.Tol, max(largest(e.y[i]), c.Floor)))
	}
	for i, in := range c.In {
		if in.role == state {
			compare(t, in, x[i], e.x[i], o.of(c).bound(c.Tol, largest(e.x[i])))
		} else {
			compare(t, in, x[i], e.in[i], 0)
		}
	}
}

// checkGradient compares the wanted gradients, which start from numbers other than 0,
// and requires the operands to stay unchanged.
func (c Case) checkGradient(t reporter, b kernels.Backend, o Options, e expected, want []int) {
	t.Helper()
	start := e.starts()
	dx, x := c.gradient(b, e, start, want)
	for _, i := range want {
		sum := make([]float64, len(e.dx[i]))
		for j, g := range e.dx[i] {
			sum[j] = start[i] + g
		}
		in := c.In[i]
		in.Name = "d" + in.Name
		if left := len(c.differentiable()) - len(want); left > 0 {
			in.Name += fmt.Sprintf(" with %d destinations absent", left)
		}
		compare(t, in, dx[i], sum, o.of(c).bound(c.GradTol, max(largest(e.dx[i]), c.Floor))+start[i]/(1<<22))
	}
	for i, in := range c.In {
		compare(t, in, x[i], e.in[i], 0)
	}
}

// of returns the options for a case: roundings add up along its products, and what is
// stored between them.
func (o Options) of(c Case) Options {
	if o.Slack > 1 {
		o.Slack *= float64(max(1, c.Products+o.Stored[c.Op]))
	}
	return o
}

// bound returns the error allowed in a tensor of the given magnitude.
func (o Options) bound(tol, magnitude float64) float64 {
	if tol == 0 {
		tol = tolerance
	}
	if o.Slack != 0 {
		tol *= o.Slack
	}
	return tol * magnitude
}

// compare reports the worst element of got whose distance from want exceeds bound.
func compare(t reporter, o Operand, got, want []float64, bound float64) {
	t.Helper()
	worst, bad, excess := -1, 0, 0.0
	for i, w := range want {
		d := math.Abs(got[i] - w)
		if d <= bound {
			continue
		}
		if bad++; worst < 0 || !(d <= excess) {
			worst, excess = i, d
		}
	}
	if bad > 0 {
		t.Errorf("%s%v: got %.9g, want %.9g: off by %.3g, %.2g of the largest magnitude %.3g; allowed %.2g; %d of %d elements are off",
			o.Name, index(worst, o.Shape), got[worst], want[worst], excess, excess/largest(want), largest(want), bound, bad, len(want))
	}
}

// checkSameBits reports the first difference between two runs.
func checkSameBits(t reporter, threads int, what string, one, other values) {
	t.Helper()
	for i := range one {
		for j, v := range one[i] {
			if w := other[i][j]; math.Float64bits(v) != math.Float64bits(w) {
				t.Errorf("%s %d, element %d: %.9g at 1 thread, %.9g at %d", what, i, j, v, w, threads)
				break
			}
		}
	}
}

// index returns the coordinates of element i.
func index(i int, s kernels.Shape) []int {
	at := make([]int, len(s))
	for d := len(s) - 1; d >= 0; d-- {
		at[d], i = i%s[d], i/s[d]
	}
	return at
}

// largest returns the largest magnitude in v; NaN is ignored.
func largest(v []float64) float64 {
	m := 0.0
	for _, x := range v {
		if a := math.Abs(x); a > m {
			m = a
		}
	}
	return m
}

func upload(b kernels.Backend, os []Operand, v values) []kernels.Tensor {
	ts := make([]kernels.Tensor, len(os))
	for i, o := range os {
		if o.role == absent || v == nil || v[i] == nil {
			continue
		}
		ts[i] = b.Alloc(o.Shape...)
		if r, ok := b.(*ref.Backend); ok {
			r.Upload64(ts[i], v[i])
		} else {
			b.Upload(ts[i], narrow(v[i]))
		}
	}
	return ts
}

// poisoned returns memory for results, full of NaN, to reveal elements that an
// operation does not write, or reads first.
func poisoned(b kernels.Backend, os []Operand) []kernels.Tensor {
	ts := make([]kernels.Tensor, len(os))
	for i, o := range os {
		ts[i] = b.Alloc(o.Shape...)
		b.Fill(ts[i], float32(math.NaN()))
	}
	return ts
}

// downloadAll waits for the device, copies ts to the host and frees them.
func downloadAll(b kernels.Backend, ts []kernels.Tensor) values {
	if err := b.Sync(); err != nil {
		panic(fmt.Errorf("Sync: %w", err))
	}
	v := make(values, len(ts))
	for i, t := range ts {
		if t.IsZero() {
			continue
		}
		if r, ok := b.(*ref.Backend); ok {
			v[i] = r.Download64(t)
		} else {
			host := make([]float32, t.Len())
			b.Download(host, t)
			v[i] = widen(host)
		}
		b.Free(t)
	}
	return v
}

func narrow(v []float64) []float32 {
	f := make([]float32, len(v))
	for i, x := range v {
		f[i] = float32(x)
	}
	return f
}

func widen(v []float32) []float64 {
	f := make([]float64, len(v))
	for i, x := range v {
		f[i] = float64(x)
	}
	return f
}
