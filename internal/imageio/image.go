package imageio

import (
	"fmt"
	"image"
	"io"
)

// Image is a picture whose pixels can be had as floats, tile by tile. It is
// safe for use by one goroutine at a time.
type Image struct {
	Info
	src  raster
	turn orientation
	name string    // of the file, for errors
	file io.Closer // of a picture that is decoded as it is read
}

// shape is the size and kind of stored pixels.
type shape struct {
	w, h        int
	depth       int // bits a sample: 8 or 16
	grey, alpha bool
}

// colours is how many samples of colour a pixel has.
func (s shape) colours() int {
	if s.grey {
		return 1
	}
	return 3
}

// samples is how many values a pixel has.
func (s shape) samples() int {
	if s.alpha {
		return s.colours() + 1
	}
	return s.colours()
}

// pixelBytes is how many bytes a pixel takes.
func (s shape) pixelBytes() int { return s.samples() * s.depth / 8 }

// bytes is how many all pixels take.
func (s shape) bytes() int64 { return int64(s.w) * int64(s.h) * int64(s.pixelBytes()) }

// raster holds pixels as they are stored, before orientation.
type raster interface {
	// shape is what the other methods give, and the only thing that a picture's
	// Info is made of: see newImage.
	shape() shape
	// colours writes r as planes [3,h,w] of straight colour in 0..1.
	colours(dst []float32, r image.Rectangle) error
	// opacity writes the alpha of r as a plane [h,w].
	opacity(dst []float32, r image.Rectangle) error
}

// newImage is the picture of the pixels in src. Every decoder ends here, so that
// what Info says of the pixels is what they are.
func newImage(f Format, src raster, turn orientation) *Image {
	return &Image{Info: infoOf(f, src.shape(), turn), src: src, turn: turn}
}

// infoOf describes pixels of the shape s that are to be turned.
func infoOf(f Format, s shape, turn orientation) Info {
	i := Info{Format: f, Depth: s.depth, Grey: s.grey, Alpha: s.alpha}
	i.W, i.H = turn.size(s.w, s.h)
	return i
}

// Close gives back what reading the picture holds open.
func (m *Image) Close() error {
	if m.file == nil {
		return nil
	}
	err := m.file.Close()
	m.file = nil
	return err
}

// Bounds is the picture's rectangle, from (0,0).
func (m *Image) Bounds() image.Rectangle { return image.Rect(0, 0, m.W, m.H) }

// Tile returns the rectangle r as planes [3,h,w] in 0..1, in dst if that is
// large enough. Grey comes three times. The colour of wholly transparent
// pixels is an average of visible ones around; see the package's text.
//
// Where a picture is decoded as it is read, tiles should be asked for from top
// to bottom, and a file that is broken further down is found out only then.
func (m *Image) Tile(dst []float32, r image.Rectangle) ([]float32, error) {
	dst, err := m.stored(dst, r)
	if err != nil || !m.Alpha {
		return dst, err
	}
	alpha, err := m.Opacity(nil, r)
	if err != nil {
		return nil, err
	}
	fillHidden(dst, alpha, r.Dx(), r.Dy())
	return dst, nil
}

// Opacity returns the alpha of the rectangle r as a plane [h,w] in 0..1, in
// dst if that is large enough, and nil if the picture has none.
func (m *Image) Opacity(dst []float32, r image.Rectangle) ([]float32, error) {
	if !m.Alpha {
		return nil, nil
	}
	return m.fetch(dst, r, 1, m.src.opacity)
}

// KeepHidden sets the colours of wholly transparent pixels in rgb, a result
// [3,h,w] for the rectangle r, to what the file stores there.
func (m *Image) KeepHidden(rgb []float32, r image.Rectangle) error {
	alpha, err := m.Opacity(nil, r)
	if alpha == nil {
		return err
	}
	stored, err := m.stored(nil, r)
	if err != nil {
		return err
	}
	for i, a := range alpha {
		if a == 0 {
			for c := range 3 {
				rgb[c*len(alpha)+i] = stored[c*len(alpha)+i]
			}
		}
	}
	return nil
}

// stored is r's colours with those of hidden pixels as the file has them.
func (m *Image) stored(dst []float32, r image.Rectangle) ([]float32, error) {
	return m.fetch(dst, r, 3, m.src.colours)
}

// fetch gets the planes of an upright rectangle from read, which knows stored
// ones.
func (m *Image) fetch(dst []float32, r image.Rectangle, planes int,
	read func([]float32, image.Rectangle) error) ([]float32, error) {
	if r.Empty() || !r.In(m.Bounds()) {
		panic(fmt.Sprintf("imageio: tile %v of a picture %d×%d", r, m.W, m.H))
	}
	dst = sized(dst, planes*r.Dx()*r.Dy())
	if m.turn == upright {
		return dst, m.named(read(dst, r))
	}
	raw := make([]float32, len(dst))
	if err := read(raw, m.turn.stored(r, m.W, m.H)); err != nil {
		return nil, m.named(err)
	}
	n := r.Dx() * r.Dy()
	for p := range planes {
		m.turn.apply(dst[p*n:(p+1)*n], raw[p*n:(p+1)*n], r.Dx(), r.Dy())
	}
	return dst, nil
}

// named is the error of a picture that turns out to be broken as it is read.
func (m *Image) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %w", m.name, cutShort(m.Format, err))
}

// sized is s with n values, newly made if s is too small.
func sized(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
