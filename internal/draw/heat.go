package draw

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// Heat is a panel of cells that show numbers by colour and text.
type Heat struct {
	Title      string
	Rows, Cols []string
	Values     [][]float64 // [row][col]; NaN is an empty cell
	Scale      Scale
	Format     string // of the numbers
	Cell       vg.Length
	CellWide   vg.Length
	// Groups draws a line before every n-th column, 0 for none.
	Groups int
	// Unlabelled leaves out the rows' labels, because the panel to the left has them.
	Unlabelled bool
}

const axisLine = 16 // below the cells, for the columns' labels

func (h Heat) labelWide() (w vg.Length) {
	if h.Unlabelled {
		return 0
	}
	for _, r := range h.Rows {
		w = max(w, textStyle.Width(r))
	}
	return w + 6
}

// Size returns the size of cells, labels and title.
func (h Heat) Size() (w, height vg.Length) {
	w = max(h.CellWide*vg.Length(len(h.Cols)), headStyle.Width(h.Title))
	return h.labelWide() + w, h.Cell*vg.Length(len(h.Rows)) + axisLine + line(headStyle) + 3
}

// Draw draws the panel.
func (h Heat) Draw(c vgdraw.Canvas) {
	left := c.Min.X + h.labelWide()
	c.FillText(headStyle, vg.Point{X: left, Y: c.Max.Y}, h.Title)
	cells := vgdraw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
		Min: vg.Point{X: left, Y: c.Min.Y + axisLine},
		Max: vg.Point{X: left + h.CellWide*vg.Length(len(h.Cols)), Y: c.Min.Y + axisLine + h.Cell*vg.Length(len(h.Rows))},
	}}
	p := newPlot("")
	p.HideAxes()
	p.X.Padding, p.Y.Padding = 0, 0
	m := plotter.NewHeatMap(grid{h.Values}, h.Scale.palette())
	m.Min, m.Max = h.Scale.Min, h.Scale.Max
	m.Underflow, m.Overflow = h.Scale.at(h.Scale.Min), h.Scale.at(h.Scale.Max)
	m.NaN = color.RGBA{240, 240, 242, 255}
	p.Add(m)
	h.addNumbers(p)
	p.Draw(cells)
	h.rules(cells)
	for i, name := range h.Cols {
		x := left + h.CellWide*(vg.Length(i)+0.5)
		c.FillText(aligned(noteStyle, vgdraw.XCenter, vgdraw.YTop), vg.Point{X: x, Y: cells.Min.Y - 3}, name)
	}
	for i, name := range h.Rows {
		if !h.Unlabelled {
			y := cells.Max.Y - h.Cell*(vg.Length(i)+0.5)
			c.FillText(aligned(textStyle, vgdraw.XRight, vgdraw.YCenter), vg.Point{X: left - 5, Y: y}, name)
		}
	}
}

// addNumbers writes each number in black or white, whichever is readable.
func (h Heat) addNumbers(p *plot.Plot) {
	labels := &plotter.Labels{}
	for y, row := range h.Values {
		for x, v := range row {
			if math.IsNaN(v) {
				continue
			}
			s := aligned(noteStyle, vgdraw.XCenter, vgdraw.YCenter)
			s.Color = readable(h.Scale.at(v))
			labels.XYs = append(labels.XYs, Point{X: float64(x), Y: float64(len(h.Values) - 1 - y)})
			labels.Labels = append(labels.Labels, fmt.Sprintf(h.Format, v))
			labels.TextStyle = append(labels.TextStyle, s)
		}
	}
	p.Add(labels)
}

// rules separates the cells, and groups of columns more strongly.
func (h Heat) rules(c vgdraw.Canvas) {
	thin := vgdraw.LineStyle{Color: paper, Width: 1}
	for i := 1; i < len(h.Rows); i++ {
		y := c.Max.Y - h.Cell*vg.Length(i)
		c.StrokeLine2(thin, c.Min.X, y, c.Max.X, y)
	}
	for i := 1; i < len(h.Cols); i++ {
		s := thin
		if h.Groups > 0 && i%h.Groups == 0 {
			s.Width = 3.5
		}
		x := c.Min.X + h.CellWide*vg.Length(i)
		c.StrokeLine2(s, x, c.Min.Y, x, c.Max.Y)
	}
}

// readable returns the ink for text on a colour.
func readable(c color.Color) color.Color {
	r, g, b, _ := c.RGBA()
	if 0.299*float64(r)+0.587*float64(g)+0.114*float64(b) > 0.5*0xffff {
		return ink
	}
	return paper
}

// grid is a matrix of values, with rows from the top, in the form that plotter needs.
type grid struct{ rows [][]float64 }

// Dims returns the numbers of columns and rows.
func (g grid) Dims() (c, r int) { return len(g.rows[0]), len(g.rows) }

// Z returns the value at column c of row r, rows counted from below.
func (g grid) Z(c, r int) float64 { return g.rows[len(g.rows)-1-r][c] }

// X returns the position of column c.
func (g grid) X(c int) float64 { return float64(c) }

// Y returns the position of row r.
func (g grid) Y(r int) float64 { return float64(r) }
