// Package draw lays out figures: sheets of panels with pictures, points, lines or heat
// maps, written as PNG and SVG. Lengths are in points.
package draw

import (
	"errors"
	"io"
	"path/filepath"

	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"clusir/internal/atomicfile"
)

// dpi of PNG files: two pixels per point, for high-resolution screens.
const dpi = 144

// The dimensions of a sheet.
const (
	margin  = 14
	gap     = 10
	lineGap = 1.35 // height of a line of text relative to its size
)

// Panel is a part of a sheet.
type Panel interface {
	// Size returns the space that the panel needs.
	Size() (w, h vg.Length)
	// Draw fills c, which has that size.
	Draw(c vgdraw.Canvas)
}

// Sheet is a figure: rows of panels, arranged in columns.
type Sheet struct {
	Title  string
	Rows   [][]Panel // nil leaves a place empty
	Legend []Entry
	// Notes are below, in small print, with lines broken as necessary.
	Notes []string
}

// layout is the position of the parts of a sheet.
type layout struct {
	w, h       vg.Length
	cols, rows []vg.Length // widths and heights
	legend     [][]Entry   // in lines
	notes      []string    // in lines
}

func (s *Sheet) layout() layout {
	var l layout
	for _, row := range s.Rows {
		h := vg.Length(0)
		for x, p := range row {
			if x == len(l.cols) {
				l.cols = append(l.cols, 0)
			}
			if p != nil {
				pw, ph := p.Size()
				l.cols[x], h = max(l.cols[x], pw), max(h, ph)
			}
		}
		l.rows = append(l.rows, h)
	}
	inner := max(total(l.cols), titleStyle.Width(s.Title))
	l.legend = wrapEntries(s.Legend, inner)
	for _, n := range s.Notes {
		l.notes = append(l.notes, wrap(noteStyle, n, inner)...)
	}
	l.w = inner + 2*margin
	l.h = total(l.rows) + 2*margin
	if s.Title != "" {
		l.h += line(titleStyle) + gap/2
	}
	if len(l.legend) > 0 {
		l.h += gap + vg.Length(len(l.legend))*line(textStyle)
	}
	if len(l.notes) > 0 {
		l.h += gap + vg.Length(len(l.notes))*line(noteStyle)
	}
	return l
}

// total returns the sum of lengths with gaps between them.
func total(ls []vg.Length) (sum vg.Length) {
	for i, l := range ls {
		if i > 0 {
			sum += gap
		}
		sum += l
	}
	return sum
}

func (s *Sheet) size() (w, h vg.Length) {
	l := s.layout()
	return l.w, l.h
}

// Draw draws the sheet, starting at the upper left corner of c.
func (s *Sheet) Draw(c vgdraw.Canvas) {
	l := s.layout()
	top := c.Max.Y - margin
	left := c.Min.X + margin
	if s.Title != "" {
		c.FillText(titleStyle, vg.Point{X: left, Y: top}, s.Title)
		top -= line(titleStyle) + gap/2
	}
	for y, row := range s.Rows {
		x := left
		for i, p := range row {
			if p != nil {
				w, h := p.Size()
				p.Draw(vgdraw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
					Min: vg.Point{X: x, Y: top - h}, Max: vg.Point{X: x + w, Y: top},
				}})
			}
			x += l.cols[i] + gap
		}
		top -= l.rows[y] + gap
	}
	for _, entries := range l.legend {
		drawEntries(c, vg.Point{X: left, Y: top}, entries)
		top -= line(textStyle)
	}
	if len(l.legend) > 0 {
		top -= gap
	}
	for _, n := range l.notes {
		c.FillText(noteStyle, vg.Point{X: left, Y: top}, n)
		top -= line(noteStyle)
	}
}

// Save writes DIR/NAME.png and DIR/NAME.svg and returns their paths.
func (s *Sheet) Save(dir, name string) ([]string, error) {
	base := filepath.Join(dir, name)
	paths := []string{base + ".png", base + ".svg"}
	return paths, errors.Join(atomicfile.Write(paths[0], s.PNG), atomicfile.Write(paths[1], s.svg))
}

// PNG writes the sheet as a PNG file.
func (s *Sheet) PNG(w io.Writer) error {
	width, height := s.size()
	c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
	s.Draw(vgdraw.New(c))
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}
