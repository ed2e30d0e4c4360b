package figures

import (
	"image"
	"image/color"
)

// over shows a map of colours over a grey picture: the map with a strength in 0..1,
// lighter where the picture is.
func over(m *image.RGBA, photo image.Image, strength float64) *image.RGBA {
	b := photo.Bounds()
	out := image.NewRGBA(b)
	for y := range b.Dy() {
		for x := range b.Dx() {
			g := float64(color.GrayModel.Convert(photo.At(b.Min.X+x, b.Min.Y+y)).(color.Gray).Y)
			c := m.RGBAAt(x, y)
			mix := func(v uint8) uint8 { return uint8(strength*float64(v)*(0.45+0.55*g/255) + (1-strength)*g + .5) }
			out.SetRGBA(x, y, color.RGBA{mix(c.R), mix(c.G), mix(c.B), 255})
		}
	}
	return out
}
