package draw

import (
	"image/color"
	"io"
	"math"
	"strings"
	"testing"
	"time"
)

// TestExtremes draws values that a log may contain but no training produces.
func TestExtremes(t *testing.T) {
	inf := math.Inf(1)
	begin := time.Now()
	for _, ys := range [][]float64{
		{1e308, -1e308}, {1e308, 1e308}, {-1e300, -1e300, -1e300}, {1e17, 1e17}, {1e16, 1e16 + 2}, {5e-324, 0}, {0, 0}, {5e-324, 5e-324},
		{inf, 1}, {inf, inf}, {-inf, inf}, {math.NaN(), 1}, {math.NaN()}, {}, {1e30, 1e30 * (1 + 1e-15)}, {0.1, math.Nextafter(0.1, 1)}, {1e308, 0, 1},
	} {
		for _, step := range []float64{0, 1, 1e18, 1e308} {
			var points []Point
			for i, y := range ys {
				points = append(points, Point{X: float64(i) * step, Y: y})
			}
			series := []Series{{Entry: Entry{Name: "a", Colour: color.Black}, Points: points}}
			low, high := inf, -inf
			for _, y := range ys {
				if !math.IsNaN(y) {
					low, high = min(low, y), max(high, y)
				}
			}
			s := Sheet{Rows: [][]Panel{{
				Lines{Title: "t", X: "x", Width: 200, Height: 100, Series: series}, Scatter{Title: "t", Side: 100, Series: series},
				Strip{Rows: []StripRow{{Name: "r", Values: ys}}, Min: low, Max: high, Width: 200},
			}}}
			text, err := s.Inline()
			if err != nil || strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
				t.Errorf("%v by steps of %g: %v\n%.300s", ys, step, err, text)
			}
			if err := s.PNG(io.Discard); err != nil {
				t.Errorf("%v by steps of %g: %v", ys, step, err)
			}
		}
	}
	if d := time.Since(begin); d > time.Minute {
		t.Errorf("it takes %v", d)
	}
}
