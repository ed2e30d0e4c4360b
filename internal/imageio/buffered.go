package imageio

import (
	"image"
	"io"

	"golang.org/x/image/bmp"
)

// decodeBMP reads a BMP with golang.org/x/image/bmp.
func decodeBMP(r io.ReadSeeker, limits Limits) (*Image, error) {
	img, err := library(BMP, r, limits, bmp.DecodeConfig, bmp.Decode)
	if err != nil {
		return nil, err
	}
	m := &Image{Info: Info{Format: BMP, W: img.Bounds().Dx(), H: img.Bounds().Dy(), Alpha: true}, turn: upright}
	if err := m.setStd(img); err != nil {
		return nil, err
	}
	p := m.src.(*packed)
	p.alpha, p.premult = hasAlpha(img), false
	m.describe(p)
	return m, nil
}

// hasAlpha tells whether 32-bit pixels hold alpha in their last byte: many
// writers leave zeros there everywhere, and mean an opaque picture.
func hasAlpha(img image.Image) bool {
	s, ok := img.(*image.NRGBA)
	if !ok {
		return false
	}
	var some, less bool
	for i := 3; i < len(s.Pix); i += 4 {
		some, less = some || s.Pix[i] != 0, less || s.Pix[i] != 255
	}
	return some && less
}

func encodeBMP(out io.Writer, _ *Info, img *image.NRGBA) error { return bmp.Encode(out, img) }

// bufferedWriter collects the whole picture for encoders that want it so.
type bufferedWriter struct {
	out    io.Writer
	info   *Info
	img    *image.NRGBA
	next   int // the row to come
	encode func(io.Writer, *Info, *image.NRGBA) error
}

// buffered makes an encoder of a function that takes a whole picture.
func buffered(encode func(io.Writer, *Info, *image.NRGBA) error) func(io.Writer, *Info, Options) (rowWriter, error) {
	return func(out io.Writer, info *Info, _ Options) (rowWriter, error) {
		img := image.NewNRGBA(image.Rect(0, 0, info.W, info.H))
		return &bufferedWriter{out: out, info: info, img: img, encode: encode}, nil
	}
}

func (b *bufferedWriter) rows(pix []byte, n int) error {
	step := b.info.pixelBytes() // 3 or 4: these formats are never grey, see Fit
	for range n {
		row := b.img.Pix[b.next*b.img.Stride:]
		for x := range b.info.W {
			row[4*x+3] = 255
			copy(row[4*x:4*x+step], pix[x*step:])
		}
		pix, b.next = pix[b.info.W*step:], b.next+1
	}
	return nil
}

func (b *bufferedWriter) close() error { return b.encode(b.out, b.info, b.img) }
