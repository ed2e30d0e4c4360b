package draw

import (
	"math"

	"gonum.org/v1/plot"
)

// The bounds within which plots can be laid out: the library adds, subtracts and
// multiplies the ends of an axis, and steps along it, in float64.
const (
	largest   = 1e30
	narrowest = 1e-9 // an axis's length relative to its larger end
)

// drawable returns the points that can be laid out: values that are too large are moved
// to the bounds, and NaN is left out.
func drawable(points []Point) []Point {
	var out []Point
	for _, p := range points {
		if !math.IsNaN(p.X) && !math.IsNaN(p.Y) {
			out = append(out, Point{X: bounded(p.X), Y: bounded(p.Y)})
		}
	}
	return out
}

func bounded(v float64) float64 { return min(max(v, -largest), largest) }

// widen lengthens axes that are too short for the library's arithmetic about their
// middle.
func widen(axes ...*plot.Axis) {
	for _, a := range axes {
		a.Min, a.Max = bounded(a.Min), bounded(a.Max)
		if size := max(math.Abs(a.Min), math.Abs(a.Max)); a.Min <= a.Max && a.Max-a.Min <= narrowest*size {
			a.Min, a.Max = a.Min-size/2, a.Max+size/2
		}
	}
}
