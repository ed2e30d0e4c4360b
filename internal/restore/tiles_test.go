package restore

import (
	"math"
	"testing"

	"clusir/internal/arch"
)

// TestGrid: for all sizes, spans cover each pixel, by at most two, begin where the
// wavelet's blocks do, and their weights sum to 1.
func TestGrid(t *testing.T) {
	for _, side := range []int{0, 128, 144, 192, 256, 512} {
		for n := 1; n < 2200; n += 1 + n/40 {
			g := newGrid(n, side, overlap(side))
			sum, spans := make([]float64, n), make([]int, n)
			for i, s := range g.spans {
				if s.from%arch.Align != 0 || s.len() < 1 || side > 0 && s.len() > max(side, n*(1-min(len(g.spans)-1, 1))) {
					t.Fatalf("%d pixels in tiles of %d: span %d is %v", n, side, i, s)
				}
				for x, w := range g.weights(i) {
					if w < 0 || w > 1 {
						t.Fatalf("%d pixels in tiles of %d: weight %g", n, side, w)
					}
					sum[s.from+x] += float64(w)
					spans[s.from+x]++
				}
			}
			for x := range sum {
				if math.Abs(sum[x]-1) > 1e-6 || spans[x] < 1 || spans[x] > 2 {
					t.Fatalf("%d pixels in tiles of %d: pixel %d has weight %g from %d tiles", n, side, x, sum[x], spans[x])
				}
			}
			checkEnds(t, g)
		}
	}
}

// checkEnds: rows are final exactly if the next span has not begun, and no span is
// needlessly short.
func checkEnds(t *testing.T, g grid) {
	t.Helper()
	end := 0
	for i := range g.spans {
		if g.final(i) <= end {
			t.Fatalf("%+v: span %d makes nothing final", g, i)
		}
		end = g.final(i)
		if g.spans[i].len() > g.longest() {
			t.Fatalf("%+v: span %d is longer than the first", g, i)
		}
	}
	if end != g.n {
		t.Fatalf("%+v: only %d pixels become final", g, end)
	}
}

// TestRamp: a ramp rises, is symmetric, and leaves the ends of the overlap to the tile
// that sees more around them.
func TestRamp(t *testing.T) {
	for _, n := range []int{32, 48, 64} {
		for x := range n {
			up := ramp(x, n)
			if math.Abs(float64(up+ramp(n-1-x, n)-1)) > 1e-6 {
				t.Errorf("overlap %d: ramp %d is not symmetric", n, x)
			}
			if x > 0 && up < ramp(x-1, n) {
				t.Errorf("overlap %d: ramp falls at %d", n, x)
			}
		}
		if ramp(n/4-1, n) != 0 || ramp(n/4, n) == 0 || ramp(3*n/4, n) != 1 {
			t.Errorf("overlap %d: not the outer quarters belong to one tile", n)
		}
	}
}
