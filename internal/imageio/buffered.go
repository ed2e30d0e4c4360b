package imageio

import (
	"encoding/binary"
	"image"
	"io"
	"math"

	"golang.org/x/image/bmp"
)

// encodeBMP writes a BMP with golang.org/x/image/bmp, which does not write a
// resolution.
func encodeBMP(out io.Writer, info *Info, img *image.NRGBA) error {
	x, y, ok := info.Meta.Resolution.whole(1, perMetre, math.MaxInt32)
	if !ok {
		return bmp.Encode(out, img)
	}
	return bmp.Encode(&bmpHead{out: out, perMetre: [2]uint32{x, y}}, img)
}

// bmpHead inserts the resolution into a BMP's header on its way to out.
type bmpHead struct {
	out      io.Writer
	perMetre [2]uint32
	head     []byte // until it is complete
}

func (b *bmpHead) Write(p []byte) (int, error) {
	const end = bmpFileHead + bmpInfo
	if len(b.head) == end {
		return b.out.Write(p)
	}
	n := min(len(p), end-len(b.head))
	if b.head = append(b.head, p[:n]...); len(b.head) < end {
		return n, nil
	}
	for i, v := range b.perMetre {
		binary.LittleEndian.PutUint32(b.head[38+4*i:], v)
	}
	if _, err := b.out.Write(b.head); err != nil {
		return 0, err
	}
	rest, err := b.out.Write(p[n:])
	return n + rest, err
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
