package imageio

import (
	"image"
	"io"

	"golang.org/x/image/bmp"
)

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
	step := b.info.shape().pixelBytes() // 3 or 4: these formats are never grey, see Fit
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
