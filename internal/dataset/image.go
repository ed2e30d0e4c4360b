package dataset

import (
	"fmt"
	"image"

	"golang.org/x/image/draw"

	"clusir/internal/dataset/degrade"
	"clusir/internal/imageio"
)

// Image holds 8-bit RGB pixels, interleaved by rows: Pix[3*(y*W+x)+c].
type Image struct {
	W, H int
	Pix  []uint8
}

// NewImage returns a black image.
func NewImage(w, h int) *Image { return &Image{W: w, H: h, Pix: make([]uint8, 3*w*h)} }

// isImage tells from a file's name whether it is an image that ReadImage reads.
func isImage(name string) bool {
	_, err := imageio.FormatOf(name)
	return err == nil
}

// ReadImage decodes a file to 8-bit RGB. Alpha is dropped, 16 bits are rounded
// to 8.
func ReadImage(path string) (*Image, error) {
	src, err := imageio.Open(path, imageio.Limits{})
	if err != nil {
		return nil, fmt.Errorf("%w; replace the file or leave it out with an exclusion list", err)
	}
	defer src.Close()
	planes, err := src.Tile(nil, src.Bounds())
	if err != nil {
		return nil, err
	}
	return fromPlanar(planes, src.W, src.H), nil
}

// fromPlanar rounds [3,H,W] in 0..1 to 8 bits.
func fromPlanar(planes []float32, w, h int) *Image {
	m, n := NewImage(w, h), w*h
	for i := range n {
		for c := range 3 {
			m.Pix[3*i+c] = uint8(planes[c*n+i]*255 + .5)
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

// enlarged returns the square image with sides of so many pixels, by the cubic
// of Catmull and Rom.
func (m *Image) enlarged(side int) *Image {
	src, dst := m.rgba(), image.NewRGBA(image.Rect(0, 0, side, side))
	draw.CatmullRom.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Src, nil)
	out := NewImage(side, side)
	for i := range side * side {
		copy(out.Pix[3*i:][:3], dst.Pix[4*i:])
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
