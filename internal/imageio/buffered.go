package imageio

import (
	"encoding/binary"
	"image"
	"io"
	"math"
)

// encodeBMP writes a BMP of 24 bits per pixel, rows from the bottom. (The encoder of
// golang.org/x/image/bmp cannot write a resolution.)
func encodeBMP(out io.Writer, info *Info, img *image.NRGBA) error {
	x, y, ok := info.Meta.Resolution.whole(1, perMetre, math.MaxInt32)
	if !ok {
		x, y = 0, 0
	}
	const head = bmpFileHead + bmpInfo
	row := make([]byte, (3*info.W+3)&^3)
	size := uint32(len(row) * info.H)
	const planesAndBits = 1 | 24<<16
	fields := []uint32{head + size, 0, head, bmpInfo, uint32(info.W), uint32(info.H), planesAndBits, bmpNone, size, x, y, 0, 0}
	if _, err := io.WriteString(out, "BM"); err != nil {
		return err
	}
	if err := binary.Write(out, binary.LittleEndian, fields); err != nil {
		return err
	}
	for y := info.H - 1; y >= 0; y-- {
		for x := range info.W {
			pixel := img.Pix[y*img.Stride+4*x:]
			row[3*x], row[3*x+1], row[3*x+2] = pixel[2], pixel[1], pixel[0]
		}
		if _, err := out.Write(row); err != nil {
			return err
		}
	}
	return nil
}

// bufferedWriter collects the whole picture for encoders that need it.
type bufferedWriter struct {
	out    io.Writer
	info   *Info
	img    *image.NRGBA
	next   int // the next row
	encode func(io.Writer, *Info, *image.NRGBA) error
}

// buffered turns a function that takes a whole picture into an encoder.
func buffered(encode func(io.Writer, *Info, *image.NRGBA) error) func(io.Writer, *Info, Options) (rowWriter, error) {
	return func(out io.Writer, info *Info, _ Options) (rowWriter, error) {
		img := image.NewNRGBA(image.Rect(0, 0, info.W, info.H))
		return &bufferedWriter{out: out, info: info, img: img, encode: encode}, nil
	}
}

func (b *bufferedWriter) row(pix []byte) error {
	step := b.info.shape().pixelBytes() // 3 or 4: these formats are never grey, see Fit
	row := b.img.Pix[b.next*b.img.Stride:]
	for x := range b.info.W {
		row[4*x+3] = 255
		copy(row[4*x:4*x+step], pix[x*step:])
	}
	b.next++
	return nil
}

func (b *bufferedWriter) close() error { return b.encode(b.out, b.info, b.img) }
