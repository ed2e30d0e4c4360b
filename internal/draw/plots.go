package draw

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// newPlot returns an empty plot in the style of the sheets.
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
		a.Tick.Marker = plot.TickerFunc(ticks)
		a.Padding = 3
	}
	p.Y.Label.TextStyle.Rotation = plot.New().Y.Label.TextStyle.Rotation
	return p
}

// ticks returns the usual ticks, without trailing zeros.
func ticks(low, high float64) []plot.Tick {
	all := plot.DefaultTicks{}.Ticks(low, high)
	for i, t := range all {
		if t.Label != "" {
			all[i].Label = fmt.Sprintf("%.6g", t.Value)
		}
	}
	return all
}

// Point is a data point of a plot.
type Point = plotter.XY

// Series is points or a line in a colour. A series without a name is not in legends.
type Series struct {
	Entry
	Points []Point
	Thin   bool // of a line: it is in the background
}

// Scatter is a square panel of points whose axes have no meaning.
type Scatter struct {
	Title  string
	Side   vg.Length
	Series []Series
}

// Size returns the size of the square under its title.
func (s Scatter) Size() (w, h vg.Length) { return s.Side, s.Side + line(headStyle) }

// Draw draws the panel.
func (s Scatter) Draw(c vgdraw.Canvas) {
	p := newPlot("")
	for _, series := range s.Series {
		dots := drawable(series.Points)
		if len(dots) == 0 {
			continue
		}
		p.Add(&plotter.Scatter{XYs: dots, GlyphStyle: series.Mark.glyph(series.Colour)})
	}
	p.HideAxes()
	square(p)
	widen(&p.X, &p.Y)
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

// Lines is a panel of lines over a common axis, above its legend.
type Lines struct {
	Title, X, Y   string
	Width, Height vg.Length // of the plot, without the legend
	Series        []Series
}

// fewPoints is the length up to which a line's points are marked: a single point would
// otherwise be invisible.
const fewPoints = 40

func (l Lines) legend() [][]Entry {
	var entries []Entry
	for _, s := range l.Series {
		if s.Name != "" {
			entries = append(entries, s.Entry)
		}
	}
	return wrapEntries(entries, l.Width)
}

// Size returns the size of the plot and its legend.
func (l Lines) Size() (w, h vg.Length) {
	h = l.Height
	if n := len(l.legend()); n > 0 {
		h += gap + vg.Length(n)*line(textStyle)
	}
	return l.Width, h
}

// Draw draws the panel.
func (l Lines) Draw(c vgdraw.Canvas) {
	p := newPlot(l.Title)
	p.X.Label.Text, p.Y.Label.Text = l.X, l.Y
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	grid.Horizontal.Color = rule
	p.Add(grid)
	for _, s := range l.Series {
		points := drawable(s.Points)
		if len(points) == 0 {
			continue
		}
		style := vgdraw.LineStyle{Color: s.Colour, Width: 1.25}
		if s.Thin {
			style.Width = 0.5
		}
		p.Add(&plotter.Line{XYs: points, LineStyle: style})
		if len(points) <= fewPoints {
			p.Add(&plotter.Scatter{XYs: points, GlyphStyle: vgdraw.GlyphStyle{Color: s.Colour, Radius: 1.5, Shape: vgdraw.CircleGlyph{}}})
		}
	}
	top := c.Max.Y - l.Height
	for i, entries := range l.legend() {
		drawEntries(c, vg.Point{X: c.Min.X, Y: top - gap - vg.Length(i)*line(textStyle)}, entries)
	}
	c.Min.Y = top
	widen(&p.X, &p.Y)
	p.Draw(c)
}
