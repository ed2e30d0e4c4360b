package restore

import (
	"slices"

	"clusir/internal/arch"
)

// span is a stretch of pixels along one side of a picture.
type span struct{ from, to int }

func (s span) len() int { return s.to - s.from }

// grid cuts one side of a picture into overlapping spans. Spans begin at multiples of
// arch.Align, so that a tile's wavelet blocks and shuffled pixels are those of the
// whole picture.
type grid struct {
	n       int // pixels
	stride  int
	overlap int
	spans   []span
}

// newGrid covers n pixels with the fewest spans of at most side, of even lengths. Side
// and overlap are multiples of arch.Align, and overlap is at most half of side, so that
// no more than two spans meet in a pixel. A side of 0 means one span.
func newGrid(n, side, overlap int) grid {
	if side == 0 || n <= side {
		return grid{n: n, stride: n, spans: []span{{0, n}}}
	}
	steps := n - overlap // what the strides have to cover
	count := ceilDiv(steps, side-overlap)
	g := grid{n: n, overlap: overlap, stride: roundUp(ceilDiv(steps, count), arch.Align)}
	for from := 0; from < steps; from += g.stride {
		g.spans = append(g.spans, span{from, min(from+g.stride+overlap, n)})
	}
	return g
}

// longest returns the longest span's length.
func (g grid) longest() int { return g.spans[0].len() }

// final returns the end of the pixels that no span after i affects.
func (g grid) final(i int) int {
	if i == len(g.spans)-1 {
		return g.n
	}
	return g.spans[i+1].from
}

// weights returns the weights of span i's pixels: a ramp up where the previous span
// overlaps, 1, and a ramp down where the next one does. A quarter of the overlap at its
// ends has weight 0: there a tile sees least of its surroundings.
func (g grid) weights(i int) []float32 {
	w := slices.Repeat([]float32{1}, g.spans[i].len())
	for x := range g.overlap {
		up := ramp(x, g.overlap)
		if i > 0 {
			w[x] = up
		}
		if i < len(g.spans)-1 {
			w[len(w)-g.overlap+x] = 1 - up
		}
	}
	return w
}

// ramp returns the weight of the later of two spans at pixel x of their overlap.
func ramp(x, overlap int) float32 {
	margin := overlap / 4
	return min(max((float32(x-margin)+0.5)/float32(overlap-2*margin), 0), 1)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func roundUp(n, multiple int) int { return ceilDiv(n, multiple) * multiple }
