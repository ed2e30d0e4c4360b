package dataset

import (
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// drawGraphics draws something that is not a photograph: a flat colour or a gradient
// and, in two of three cases, shapes and lines of text.
func drawGraphics(w, h int, rng *rand.Rand) *Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	from, to := drawColour(rng), drawColour(rng)
	if rng.IntN(2) == 0 {
		to = from
	}
	gradient(m, from, to, rng.IntN(2) == 0)
	if rng.IntN(3) > 0 {
		for range rng.IntN(6) {
			x, y := rng.IntN(w), rng.IntN(h)
			box := image.Rect(x, y, x+1+rng.IntN(w/2), y+1+rng.IntN(h/2))
			draw.Draw(m, box, image.NewUniform(drawColour(rng)), image.Point{}, draw.Src)
		}
		for range rng.IntN(6) {
			drawText(m, rng)
		}
	}
	return fromRGBA(m)
}

// drawColour draws a colour; one in two is grey, like most backgrounds.
func drawColour(rng *rand.Rand) color.RGBA {
	g := uint8(rng.IntN(256))
	c := color.RGBA{g, g, g, 255}
	if rng.IntN(2) == 0 {
		c.R, c.B = uint8(rng.IntN(256)), uint8(rng.IntN(256))
	}
	return c
}

func gradient(m *image.RGBA, from, to color.RGBA, down bool) {
	b := m.Bounds()
	mix := func(a, b uint8, i, n int) uint8 { return uint8((int(a)*(n-i) + int(b)*i) / n) }
	for y := range b.Dy() {
		for x := range b.Dx() {
			i, n := x, b.Dx()
			if down {
				i, n = y, b.Dy()
			}
			m.SetRGBA(x, y, color.RGBA{mix(from.R, to.R, i, n), mix(from.G, to.G, i, n), mix(from.B, to.B, i, n), 255})
		}
	}
}

// letters are the characters in lines of text.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,:;-"

// typeface is parsed once; faces of it are not safe for concurrent use.
var typeface = sync.OnceValue(func() *opentype.Font {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		panic(err) // the font is embedded
	}
	return f
})

// drawText draws a line of random letters of 8 to 32 pixels.
func drawText(m *image.RGBA, rng *rand.Rand) {
	face, err := opentype.NewFace(typeface(), &opentype.FaceOptions{Size: float64(8 + rng.IntN(25)), DPI: 72})
	if err != nil {
		panic(err) // the options are valid
	}
	defer face.Close()
	line := make([]byte, 3+rng.IntN(20))
	for i := range line {
		line[i] = letters[rng.IntN(len(letters))]
	}
	b := m.Bounds()
	d := font.Drawer{
		Dst: m, Src: image.NewUniform(drawColour(rng)), Face: face,
		Dot: fixed.P(rng.IntN(b.Dx())-b.Dx()/4, rng.IntN(b.Dy())),
	}
	d.DrawString(string(line))
}
