package draw

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// Entry is an entry of a legend: a mark in a colour and its meaning.
type Entry struct {
	Name   string
	Colour color.Color
	Mark   Mark
}

// Mark is the shape of points. It repeats after marks shapes.
type Mark int

// marks is the number of distinguishable shapes.
const marks = 6

// dot is the radius of points.
const dot = 2.4

func (m Mark) glyph(c color.Color) vgdraw.GlyphStyle {
	shapes := [marks]vgdraw.GlyphDrawer{
		vgdraw.CircleGlyph{}, vgdraw.PyramidGlyph{}, vgdraw.BoxGlyph{},
		vgdraw.RingGlyph{}, vgdraw.TriangleGlyph{}, vgdraw.SquareGlyph{},
	}
	return vgdraw.GlyphStyle{Color: c, Radius: dot, Shape: shapes[int(m)%marks]}
}

// The dimensions of an entry: mark, space, text, space.
const (
	markWide  = 10
	entryWide = 14 // after the text
)

func (e Entry) width() vg.Length { return markWide + textStyle.Width(e.Name) + entryWide }

// wrapEntries arranges entries in lines no wider than w.
func wrapEntries(entries []Entry, w vg.Length) (lines [][]Entry) {
	x := vg.Length(0)
	for _, e := range entries {
		if x += e.width(); len(lines) == 0 || x-entryWide > w {
			lines = append(lines, nil)
			x = e.width()
		}
		lines[len(lines)-1] = append(lines[len(lines)-1], e)
	}
	return lines
}

func drawEntries(c vgdraw.Canvas, at vg.Point, entries []Entry) {
	for _, e := range entries {
		c.DrawGlyphNoClip(e.Mark.glyph(e.Colour), vg.Point{X: at.X + dot, Y: at.Y - textStyle.Font.Size*0.58})
		c.FillText(textStyle, vg.Point{X: at.X + markWide, Y: at.Y}, e.Name)
		at.X += e.width()
	}
}
