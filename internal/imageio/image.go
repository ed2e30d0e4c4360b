package imageio

import (
	"fmt"
	"image"
	"io"
	"slices"
)

// Image is a picture whose pixels can be read as floats, tile by tile. It must not be
// used by several goroutines at once.
type Image struct {
	Info
	src  raster
	turn orientation
	name string    // of the file, for errors
	file io.Closer // of a picture that is decoded while it is read
}

// shape is the size and kind of stored pixels.
type shape struct {
	w, h        int
	depth       int // bits per sample: 8 or 16
	grey, alpha bool
	premult     bool // colour is multiplied by alpha (TIFF's associated alpha)
}

// colours returns the number of colour samples per pixel.
func (s shape) colours() int {
	if s.grey {
		return 1
	}
	return 3
}

func (s shape) samples() int {
	if s.alpha {
		return s.colours() + 1
	}
	return s.colours()
}

func (s shape) pixelBytes() int { return s.samples() * s.depth / 8 }

func (s shape) bytes() int64 { return int64(s.w) * int64(s.h) * int64(s.pixelBytes()) }

// raster holds stored pixels, before orientation.
type raster interface {
	// shape describes what the other methods return. A picture's Info is made from
	// nothing else: see newImage.
	shape() shape
	// colours writes r as planes [3,h,w] of straight colour in 0..1.
	colours(dst []float32, r image.Rectangle) error
	// opacity writes the alpha of r as a plane [h,w].
	opacity(dst []float32, r image.Rectangle) error
}

// newImage returns the picture of the pixels in src. Every decoder ends here, so that
// Info is true of the pixels.
func newImage(f Format, src raster, turn orientation) *Image {
	return &Image{Info: infoOf(f, src.shape(), turn), src: src, turn: turn}
}

func infoOf(f Format, s shape, turn orientation) Info {
	i := Info{Format: f, Depth: s.depth, Grey: s.grey, Alpha: s.alpha}
	i.W, i.H = turn.turn().Size(s.w, s.h)
	return i
}

// Close closes the file if the picture is streamed.
func (m *Image) Close() error {
	if m.file == nil {
		return nil
	}
	err := m.file.Close()
	m.file = nil
	return err
}

// Bounds returns the picture's rectangle, from (0,0).
func (m *Image) Bounds() image.Rectangle { return image.Rect(0, 0, m.W, m.H) }

// Tile returns the rectangle r as planes [3,h,w] in 0..1, in dst if that is large
// enough. Grey is repeated three times. The colour of fully transparent pixels is an
// average of visible ones around; see the package comment.
//
// If the picture is decoded while it is read, tiles should be requested from top to
// bottom, and damage further down in the file is detected only then.
func (m *Image) Tile(dst []float32, r image.Rectangle) ([]float32, error) {
	dst, err := m.Stored(dst, r)
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

// Opacity returns the alpha of the rectangle r as a plane [h,w] in 0..1, in dst if that
// is large enough, or nil if the picture has none.
func (m *Image) Opacity(dst []float32, r image.Rectangle) ([]float32, error) {
	if !m.Alpha {
		return nil, nil
	}
	return m.fetch(dst, r, 1, m.src.opacity)
}

// Stored is like Tile, but the colours of fully transparent pixels are those in the file.
func (m *Image) Stored(dst []float32, r image.Rectangle) ([]float32, error) {
	return m.fetch(dst, r, 3, m.src.colours)
}

// fetch returns the planes of an upright rectangle from read, which reads stored ones.
func (m *Image) fetch(dst []float32, r image.Rectangle, planes int,
	read func([]float32, image.Rectangle) error) ([]float32, error) {
	if r.Empty() || !r.In(m.Bounds()) {
		panic(fmt.Sprintf("imageio: tile %v of a picture %d×%d", r, m.W, m.H))
	}
	dst = slices.Grow(dst[:0], planes*r.Dx()*r.Dy())[:planes*r.Dx()*r.Dy()]
	if m.turn == upright {
		return dst, m.named(read(dst, r))
	}
	raw := make([]float32, len(dst))
	if err := read(raw, m.turn.stored(r, m.W, m.H)); err != nil {
		return nil, m.named(err)
	}
	n := r.Dx() * r.Dy()
	for to, from := range m.turn.turn().Pixels(r.Dx(), r.Dy()) {
		for p := range planes {
			dst[p*n+to] = raw[p*n+from]
		}
	}
	return dst, nil
}

// named adds the picture's name to an error found while reading it.
func (m *Image) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %w", m.name, cutShort(m.Format, err))
}
