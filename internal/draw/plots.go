package draw

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// newPlot returns an empty plot in the sheets' type.
func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text = title
	p.Title.TextStyle = aligned(headStyle, vgdraw.XCenter, vgdraw.YTop)
	p.Title.Padding = 5
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Color = rule
		a.Label.TextStyle = aligned(textStyle, vgdraw.XCenter, a.Label.TextStyle.YAlign)
		a.Tick.Label = aligned(noteStyle, a.Tick.Label.XAlign, a.Tick.Label.YAlign)
		a.Tick.Color = rule
		a.Padding = 3
	}
	p.Y.Label.TextStyle.Rotation = plot.New().Y.Label.TextStyle.Rotation
	return p
}

// Point is a datum of a plot.
type Point = plotter.XY

// Series is points or a line in a colour.
type Series struct {
	Entry
	Points []Point
}

// Scatter is a square panel of points whose axes mean nothing.
type Scatter struct {
	Title  string
	Side   vg.Length
	Series []Series
}

// Size is that of the square under its title.
func (s Scatter) Size() (w, h vg.Length) { return s.Side, s.Side + line(headStyle) }

// Draw draws the panel.
func (s Scatter) Draw(c vgdraw.Canvas) {
	p := newPlot("")
	for _, series := range s.Series {
		if len(series.Points) == 0 {
			continue
		}
		points := &plotter.Scatter{XYs: series.Points, GlyphStyle: series.Mark.glyph(series.Colour)}
		p.Add(points)
	}
	p.HideAxes()
	square(p)
	c.FillText(headStyle, vg.Point{X: c.Min.X, Y: c.Max.Y}, s.Title)
	c.Max.Y = c.Min.Y + s.Side
	p.Draw(vgdraw.Crop(c, 4, -4, 4, -4))
	outline(c, c.Rectangle, rule, 0.75)
}

// square gives both axes the same scale, with the points in the middle.
func square(p *plot.Plot) {
	half := max(p.X.Max-p.X.Min, p.Y.Max-p.Y.Min) / 2
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		middle := (a.Min + a.Max) / 2
		a.Min, a.Max = middle-half, middle+half
	}
}

// Lines is a panel of lines over a common axis.
type Lines struct {
	Title, X, Y   string
	Width, Height vg.Length
	Series        []Series
}

// Size is as set.
func (l Lines) Size() (w, h vg.Length) { return l.Width, l.Height }

// Draw draws the panel.
func (l Lines) Draw(c vgdraw.Canvas) {
	p := newPlot(l.Title)
	p.X.Label.Text, p.Y.Label.Text = l.X, l.Y
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	grid.Horizontal.Color = rule
	p.Add(grid)
	for _, s := range l.Series {
		p.Add(&plotter.Line{XYs: s.Points, LineStyle: vgdraw.LineStyle{Color: s.Colour, Width: 1.25}})
	}
	p.Draw(c)
}
