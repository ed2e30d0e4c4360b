package draw

import (
	"image"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Caption returns a text on white in w×h pixels, for callers that draw in pixels. It
// cuts off what does not fit.
func Caption(words string, w, h int) image.Image {
	const pixels = 72 // per inch: a point is a pixel
	c := vgimg.NewWith(vgimg.UseDPI(pixels), vgimg.UseWH(vg.Length(w), vg.Length(h)))
	s := aligned(style(0.62*vg.Length(h), xfont.WeightBold, ink), text.XLeft, text.YCenter)
	canvas := vgdraw.New(c)
	canvas.FillText(s, vg.Point{X: 0.2 * vg.Length(h), Y: vg.Length(h) / 2}, words)
	return c.Image()
}
