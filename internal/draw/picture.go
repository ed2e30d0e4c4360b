package draw

import (
	"image"
	"image/color"
	"strings"

	xdraw "golang.org/x/image/draw"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// Picture is a panel with a picture.
type Picture struct {
	Title string // above
	Note  string // below, in lines of the picture's width
	Image image.Image
	Width vg.Length
	// Pixels shows the pixels of a small picture as squares instead of smoothing it.
	Pixels bool
	Boxes  []Box
	// Frame, if set, is the colour of a thick frame, for example that of the box that
	// it enlarges.
	Frame color.Color
}

// Box marks a part of a picture, in its pixels.
type Box struct {
	image.Rectangle
	Colour color.Color
}

func (p Picture) height() vg.Length {
	b := p.Image.Bounds()
	return p.Width * vg.Length(b.Dy()) / vg.Length(b.Dx())
}

// Size returns the size of the picture and its texts.
func (p Picture) Size() (w, h vg.Length) {
	h = p.height()
	if p.Title != "" {
		h += line(headStyle)
	}
	h += line(noteStyle) * vg.Length(len(p.notes()))
	return p.Width, h
}

func (p Picture) notes() (lines []string) {
	for paragraph := range strings.Lines(p.Note) {
		lines = append(lines, wrap(noteStyle, paragraph, p.Width)...)
	}
	return lines
}

// Draw draws the panel.
func (p Picture) Draw(c vgdraw.Canvas) {
	top := c.Max.Y
	if p.Title != "" {
		c.FillText(headStyle, vg.Point{X: c.Min.X, Y: top}, p.Title)
		top -= line(headStyle)
	}
	at := vg.Rectangle{Min: vg.Point{X: c.Min.X, Y: top - p.height()}, Max: vg.Point{X: c.Min.X + p.Width, Y: top}}
	c.DrawImage(at, p.scaled())
	for i, note := range p.notes() {
		c.FillText(noteStyle, vg.Point{X: c.Min.X, Y: at.Min.Y - 2 - line(noteStyle)*vg.Length(i)}, note)
	}
	b := p.Image.Bounds()
	scale := p.Width / vg.Length(b.Dx())
	for _, box := range p.Boxes {
		r := box.Sub(b.Min)
		outline(c, vg.Rectangle{
			Min: vg.Point{X: at.Min.X + scale*vg.Length(r.Min.X), Y: at.Max.Y - scale*vg.Length(r.Max.Y)},
			Max: vg.Point{X: at.Min.X + scale*vg.Length(r.Max.X), Y: at.Max.Y - scale*vg.Length(r.Min.Y)},
		}, box.Colour, 1.5)
	}
	if p.Frame != nil {
		outline(c, vg.Rectangle{Min: at.Min.Add(vg.Point{X: 1, Y: 1}), Max: at.Max.Sub(vg.Point{X: 1, Y: 1})}, p.Frame, 2)
	}
}

func outline(c vgdraw.Canvas, r vg.Rectangle, colour color.Color, width vg.Length) {
	c.SetLineStyle(vgdraw.LineStyle{Color: colour, Width: width})
	c.Stroke(r.Path())
}

// scaled returns the picture at the resolution of PNG files: the library's own scaling
// is bilinear, which aliases when it reduces and blurs when it enlarges.
func (p Picture) scaled() image.Image {
	b := p.Image.Bounds()
	w, h := int(p.Width*dpi/72+.5), int(p.height()*dpi/72+.5)
	if w == b.Dx() && h == b.Dy() {
		return p.Image
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	by := xdraw.Interpolator(xdraw.CatmullRom)
	if p.Pixels {
		by = xdraw.NearestNeighbor
	}
	by.Scale(dst, dst.Bounds(), p.Image, b, xdraw.Src, nil)
	return dst
}
