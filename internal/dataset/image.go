package dataset

import (
	"bufio"
	"fmt"
	"image"
	"image/draw"
	_ "image/jpeg" // decoders register themselves
	_ "image/png"
	"os"
	"path/filepath"
	"strings"

	_ "golang.org/x/image/bmp" // the Waterloo set is BMP
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"

	"clusir/internal/dataset/degrade"
)

// Image holds 8-bit RGB pixels, interleaved by rows: Pix[3*(y*W+x)+c].
type Image struct {
	W, H int
	Pix  []uint8
}

// NewImage returns a black image.
func NewImage(w, h int) *Image { return &Image{W: w, H: h, Pix: make([]uint8, 3*w*h)} }

var imageExtensions = map[string]bool{
	".png": true, ".jpg": true, ".jpeg": true, ".bmp": true, ".tif": true, ".tiff": true, ".webp": true,
}

// isImage tells from a file's name whether it is an image that ReadImage reads.
func isImage(name string) bool { return imageExtensions[strings.ToLower(filepath.Ext(name))] }

// ReadImage decodes a file to 8-bit RGB. Alpha is dropped, 16 bits are cut to 8.
func ReadImage(path string) (*Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	src, _, err := image.Decode(bufio.NewReaderSize(f, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("%s: cannot decode: %w; replace the file or leave it out with an exclusion list", path, err)
	}
	return fromImage(src), nil
}

// readSize reads an image's size from its header.
func readSize(path string) (w, h int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	c, _, err := image.DecodeConfig(bufio.NewReader(f))
	if err != nil {
		return 0, 0, fmt.Errorf("%s: no image that can be read: %w", path, err)
	}
	return c.Width, c.Height, nil
}

func fromImage(src image.Image) *Image {
	b := src.Bounds()
	m := NewImage(b.Dx(), b.Dy())
	var pix []uint8
	var stride int
	if n, ok := src.(*image.NRGBA); ok && b.Min == (image.Point{}) {
		pix, stride = n.Pix, n.Stride
	} else {
		rgba := image.NewRGBA(image.Rect(0, 0, m.W, m.H))
		draw.Draw(rgba, rgba.Bounds(), src, b.Min, draw.Src)
		pix, stride = rgba.Pix, rgba.Stride
	}
	for y := range m.H {
		row, out := pix[y*stride:], m.Pix[3*y*m.W:]
		for x := range m.W {
			copy(out[3*x:3*x+3], row[4*x:4*x+3])
		}
	}
	return m
}

// Crop returns the window of w×h pixels whose top left corner is (x, y).
// Coordinates outside of the image are reflected at its edges, as often as it
// takes: an image smaller than a training patch is mirrored, not enlarged,
// because enlarging would blur noise, rain and motion blur into something else.
func (m *Image) Crop(x, y, w, h int) *Image {
	out := NewImage(w, h)
	for j := range h {
		row := m.Pix[3*m.W*degrade.Reflect(y+j, m.H):]
		for i := range w {
			s := 3 * degrade.Reflect(x+i, m.W)
			copy(out.Pix[3*(j*w+i):][:3], row[s:s+3])
		}
	}
	return out
}

// CropToMultiple cuts the sides down to multiples of k about the centre, with
// the offset (side mod k)/2 of the protocol.
func (m *Image) CropToMultiple(k int) *Image {
	dx, dy := m.W%k, m.H%k
	if dx == 0 && dy == 0 {
		return m
	}
	return m.Crop(dx/2, dy/2, m.W-dx, m.H-dy)
}

// Planar returns the pixels as [3,H,W] in 0..1.
func (m *Image) Planar() []float32 {
	out := make([]float32, len(m.Pix))
	m.planar(out)
	return out
}

func (m *Image) planar(dst []float32) {
	n := m.W * m.H
	for i := range n {
		dst[i] = float32(m.Pix[3*i]) / 255
		dst[n+i] = float32(m.Pix[3*i+1]) / 255
		dst[2*n+i] = float32(m.Pix[3*i+2]) / 255
	}
}
