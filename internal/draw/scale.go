package draw

import (
	"fmt"
	"image"
	"image/color"

	"gonum.org/v1/plot/palette"
	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
)

// Scale maps numbers to colours: from dark to light or, if it is Diverging, from blue
// through white to red about the middle of its range.
type Scale struct {
	Min, Max  float64
	Diverging bool
}

// viridis is interpolated from a few of its colours (van der Walt and Smith, 2015): it
// is even in lightness, also for the colour-blind.
var viridis = func() palette.ColorMap {
	m, err := moreland.NewLuminance([]color.Color{
		color.NRGBA{68, 1, 84, 255}, color.NRGBA{72, 40, 120, 255}, color.NRGBA{62, 73, 137, 255}, color.NRGBA{49, 104, 142, 255},
		color.NRGBA{38, 130, 142, 255}, color.NRGBA{31, 158, 137, 255}, color.NRGBA{53, 183, 121, 255}, color.NRGBA{110, 206, 88, 255},
		color.NRGBA{181, 222, 43, 255}, color.NRGBA{253, 231, 37, 255},
	})
	if err != nil {
		panic(err) // they are in the order of their lightness
	}
	return m
}()

// steps is the number of colours of a scale.
const steps = 256

var sequential, diverging = table(viridis), table(moreland.SmoothBlueRed())

func table(m palette.ColorMap) palette.Palette {
	m.SetMin(0)
	m.SetMax(1)
	return m.Palette(steps)
}

func (s Scale) palette() palette.Palette {
	if s.Diverging {
		return diverging
	}
	return sequential
}

// at returns the colour of v; beyond the ends it is that of the end.
func (s Scale) at(v float64) color.Color {
	u := 0.0
	if s.Max > s.Min {
		u = min(max((v-s.Min)/(s.Max-s.Min), 0), 1)
	}
	return s.palette().Colors()[int(u*(steps-1)+0.5)]
}

// Image draws values [h,w].
func (s Scale) Image(values []float64, w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i, v := range values {
		m.Set(i%w, i/w, s.at(v))
	}
	return m
}

// Bar is a panel that explains a scale.
type Bar struct {
	Scale
	Label  string
	Format string // of the ends
	Width  vg.Length
}

const barHigh = 7

// Size returns the size of the bar, its ends' numbers and its label.
func (b Bar) Size() (w, h vg.Length) { return b.Width, barHigh + 2*line(noteStyle) + 3 }

// Draw draws the panel.
func (b Bar) Draw(c vgdraw.Canvas) {
	c.DrawImage(vg.Rectangle{Min: vg.Point{X: c.Min.X, Y: c.Max.Y - barHigh}, Max: c.Max}, b.strip())
	y := c.Max.Y - barHigh - 3
	c.FillText(noteStyle, vg.Point{X: c.Min.X, Y: y}, fmt.Sprintf(b.Format, b.Min))
	c.FillText(aligned(noteStyle, vgdraw.XRight, vgdraw.YTop), vg.Point{X: c.Max.X, Y: y}, fmt.Sprintf(b.Format, b.Max))
	c.FillText(aligned(noteStyle, vgdraw.XCenter, vgdraw.YTop), vg.Point{X: (c.Min.X + c.Max.X) / 2, Y: y - line(noteStyle)}, b.Label)
}

// strip returns all colours side by side, in the proportions of the bar: viewers of SVG
// keep an image's.
func (b Bar) strip() image.Image {
	m := image.NewRGBA(image.Rect(0, 0, steps, max(1, int(steps*barHigh/b.Width+0.5))))
	for x, colour := range b.palette().Colors() {
		for y := range m.Rect.Dy() {
			m.Set(x, y, colour)
		}
	}
	return m
}
