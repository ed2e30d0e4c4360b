package ref

import (
	"iter"

	"clusir/internal/kernels"
)

// grid holds the values of a [B,C,H,W] tensor.
type grid struct {
	B, C, H, W int
	v          []float64
}

func newGrid(b, c, h, w int) grid { return grid{b, c, h, w, make([]float64, b*c*h*w)} }

// gridOf returns t's own values as a grid.
func gridOf(t kernels.Tensor) grid {
	return grid{t.Shape[0], t.Shape[1], t.Shape[2], t.Shape[3], values(t)}
}

// gradOf returns the destination dx of x's gradient as a grid, or scratch if it is
// absent.
func gradOf(dx kernels.Tensor, x grid) grid {
	return grid{x.B, x.C, x.H, x.W, orZeros(dx, x.B, x.C, x.H, x.W)}
}

// put writes g to dst, or adds it, unless dst is absent.
func put(dst kernels.Tensor, g grid, add bool) {
	v := orZeros(dst, g.B, g.C, g.H, g.W)
	if !add {
		fill(v, 0)
	}
	accumulate(v, g.v)
}

// like returns zeros in the shape of g.
func (g grid) like() grid { return newGrid(g.B, g.C, g.H, g.W) }

// plane returns channel c of sample b, H·W values.
func (g grid) plane(b, c int) []float64 {
	n := g.H * g.W
	return g.v[(b*g.C+c)*n:][:n]
}

// planes iterates over the sample and the channel of every plane.
func (g grid) planes() iter.Seq2[int, int] {
	return func(yield func(b, c int) bool) {
		for i := range g.B * g.C {
			if !yield(i/g.C, i%g.C) {
				return
			}
		}
	}
}

// sample returns sample b as a grid of batch 1 over the same values.
func (g grid) sample(b int) grid {
	n := g.C * g.H * g.W
	return grid{1, g.C, g.H, g.W, g.v[b*n:][:n]}
}

// at returns the index of an element.
func (g grid) at(b, c, y, x int) int { return ((b*g.C+c)*g.H+y)*g.W + x }

// forElements calls do with the index of every element and what at makes it from.
func (g grid) forElements(do func(i, b, c, y, x int)) {
	for i := range g.v {
		plane, row := i/(g.H*g.W), i/g.W
		do(i, plane/g.C, plane%g.C, row%g.H, i%g.W)
	}
}

// concat joins grids along the channels.
func concat(gs ...grid) grid {
	c := 0
	for _, g := range gs {
		c += g.C
	}
	out := newGrid(gs[0].B, c, gs[0].H, gs[0].W)
	for b := range out.B {
		c := 0
		for _, g := range gs {
			for i := range g.C {
				copy(out.plane(b, c+i), g.plane(b, i))
			}
			c += g.C
		}
	}
	return out
}

// channels returns a copy of channels from ≤ c < to.
func (g grid) channels(from, to int) grid {
	out := newGrid(g.B, to-from, g.H, g.W)
	for b := range g.B {
		for c := from; c < to; c++ {
			copy(out.plane(b, c-from), g.plane(b, c))
		}
	}
	return out
}
