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
	file io.Closer // of a picture that is decoded as it is read
}

// raster holds pixels as they are stored, before orientation.
type raster interface {
	// colours writes r as planes [3,h,w] of straight colour in 0..1.
	colours(dst []float32, r image.Rectangle) error
	// opacity writes the alpha of r as a plane [h,w].
	opacity(dst []float32, r image.Rectangle) error
}

// New returns a black (and transparent, if it has alpha) picture to draw on.
func New(info Info) *Image {
	return &Image{Info: info, src: newPacked(info, info.W, info.H), turn: upright}
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
		return dst, read(dst, r)
	}
	raw := make([]float32, len(dst))
	if err := read(raw, m.turn.stored(r, m.W, m.H)); err != nil {
		return nil, err
	}
	n := r.Dx() * r.Dy()
	for p := range planes {
		m.turn.apply(dst[p*n:(p+1)*n], raw[p*n:(p+1)*n], r.Dx(), r.Dy())
	}
	return dst, nil
}

// SetTile writes rgb [3,h,w] and, if the picture has it, alpha [h,w] into the
// rectangle r of a picture that New made, clamped and rounded to its depth. A
// grey picture takes the mean of the three channels.
func (m *Image) SetTile(r image.Rectangle, rgb, alpha []float32) {
	p, ok := m.src.(*packed)
	if !ok || m.turn != upright {
		panic("imageio: SetTile on a picture that was read from a file")
	}
	if r.Empty() || !r.In(m.Bounds()) {
		panic(fmt.Sprintf("imageio: tile %v of a picture %d×%d", r, m.W, m.H))
	}
	n := m.pixelBytes()
	for y := range r.Dy() {
		row := p.row(r.Min.Y + y)[r.Min.X*n : r.Max.X*n]
		quantize(row, &m.Info, rgb, alpha, y*r.Dx(), r.Dx()*r.Dy())
	}
}

// sized is s with n values, newly made if s is too small.
func sized(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
