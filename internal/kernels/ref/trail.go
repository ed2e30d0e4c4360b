package ref

import (
	"slices"

	"clusir/internal/kernels"
)

// none is the place of a gradient that nobody wants.
var none kernels.Tensor

// vec is values with the place that their gradient is added to.
type vec struct{ v, d []float64 }

func newVec(n int) vec { return vec{make([]float64, n), make([]float64, n)} }

// leaf returns t's own elements; their gradient goes to dt, or to scratch if it is absent.
func leaf(t, dt kernels.Tensor, extents ...int) vec {
	return vec{values(t, extents...), orZeros(dt, extents...)}
}

// slice returns n elements of x from the one at from.
func (x vec) slice(from, n int) vec { return vec{x.v[from:][:n], x.d[from:][:n]} }

// ones returns n ones, whose gradient nobody reads.
func ones(n int) vec {
	x := newVec(n)
	fill(x.v, 1)
	return x
}

// store copies x to y, which must have these extents.
func (x vec) store(y kernels.Tensor, extents ...int) { copy(values(y, extents...), x.v) }

// node is a grid with the place that its gradient is added to.
type node struct {
	grid
	d []float64
}

// nodeOf returns x with a new gradient of 0.
func nodeOf(x grid) node { return node{x, x.like().v} }

// leafNode is leaf for a tensor [B,C,H,W].
func leafNode(t, dt kernels.Tensor) node {
	x := gridOf(t)
	return node{x, gradOf(dt, x).v}
}

func (x node) vec() vec { return vec{x.v, x.d} }

func (x node) grad() grid { return grid{x.B, x.C, x.H, x.W, x.d} }

func (x node) plane(b, c int) vec { return vec{x.grid.plane(b, c), x.grad().plane(b, c)} }

// sample returns sample b as a node of batch 1 over the same values.
func (x node) sample(b int) node { return node{x.grid.sample(b), x.grad().sample(b).v} }

// store copies x to y.
func (x node) store(y kernels.Tensor) { x.vec().store(y, x.B, x.C, x.H, x.W) }

// trail holds one step for every operation done so far: it adds to the gradients of the
// operands what follows from that of the result.
type trail []func()

func (t *trail) then(backwards func()) { *t = append(*t, backwards) }

// backwards gives y the gradient dy and takes it back to the leaves.
func (t trail) backwards(y vec, dy []float64) {
	copy(y.d, dy)
	for _, step := range slices.Backward(t) {
		step()
	}
}

// sum computes y += a·x, a one number, or y += ⟨a, x⟩, y one number, for every triple
// that terms yields. Either gives da += ⟨dy, x⟩ or dy·x and dx += a·dy.
func (t *trail) sum(terms func(term func(y, a, x vec))) {
	terms(func(y, a, x vec) {
		if len(a.v) == 1 {
			addScaled(y.v, a.v[0], x.v)
		} else {
			y.v[0] += dot(a.v, x.v)
		}
	})
	t.then(func() {
		terms(func(y, a, x vec) {
			if len(a.v) == 1 {
				a.d[0] += dot(y.d, x.v)
				addScaled(x.d, a.v[0], y.d)
			} else {
				addScaled(a.d, y.d[0], x.v)
				addScaled(x.d, y.d[0], a.v)
			}
		})
	})
}

// linear applies f, whose transpose is the function of that name.
func (t *trail) linear(x node, f, transpose func(grid) grid) node {
	y := nodeOf(f(x.grid))
	t.then(func() { accumulate(x.d, transpose(y.grad()).v) })
	return y
}

// concat joins nodes along the channels.
func (t *trail) concat(xs ...node) node {
	gs := make([]grid, len(xs))
	for i, x := range xs {
		gs[i] = x.grid
	}
	y := nodeOf(concat(gs...))
	t.then(func() {
		c := 0
		for _, x := range xs {
			accumulate(x.d, y.grad().channels(c, c+x.C).v)
			c += x.C
		}
	})
	return y
}
