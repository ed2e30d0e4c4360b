package draw

import (
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// Strip is a panel of numbers along an axis, one row per set, with a line at the
// median. Dots are offset from each other so that all are visible.
type Strip struct {
	Rows     []StripRow
	X        string
	Min, Max float64
	Width    vg.Length
}

// StripRow is a set of numbers.
type StripRow struct {
	Name   string
	Colour color.RGBA
	Values []float64
}

const (
	stripRow  = 34
	stripAxis = 34
)

// Size returns the size of the rows and the axis.
func (s Strip) Size() (w, h vg.Length) {
	return s.Width, stripRow*vg.Length(len(s.Rows)) + stripAxis
}

// Draw draws the panel.
func (s Strip) Draw(c vgdraw.Canvas) {
	p := newPlot("")
	p.X.Label.Text, p.X.Min, p.X.Max = s.X, s.Min, s.Max
	var names []string
	for i, row := range s.Rows {
		y := float64(len(s.Rows) - 1 - i)
		names = append([]string{row.Name}, names...)
		dots := make(plotter.XYs, len(row.Values))
		for k, v := range row.Values {
			_, golden := math.Modf(float64(k) * (math.Sqrt(5) - 1) / 2) // separates neighbours
			dots[k] = Point{X: v, Y: y + 0.6*(golden-0.5)}
		}
		alpha := uint8(min(max(255*12/max(len(dots), 1), 70), 210)) // many dots are visible through each other
		glyph := Mark(0).glyph(color.NRGBA{row.Colour.R, row.Colour.G, row.Colour.B, alpha})
		p.Add(&plotter.Scatter{XYs: drawable(dots), GlyphStyle: glyph})
		if m := Median(row.Values); !math.IsNaN(m) {
			p.Add(&plotter.Line{XYs: plotter.XYs{{X: m, Y: y - 0.42}, {X: m, Y: y + 0.42}}, LineStyle: vgdraw.LineStyle{Color: ink, Width: 1.5}})
		}
	}
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.5, float64(len(s.Rows))-0.5
	widen(&p.X)
	p.Y.Tick.Label = aligned(textStyle, vgdraw.XRight, vgdraw.YCenter)
	p.Draw(c)
}

// Median returns the median of numbers, NaN if there are none.
func Median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	n := len(s)
	if n == 0 {
		return math.NaN()
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}
