package dataset

import (
	"fmt"
	"image"

	"golang.org/x/image/draw"

	"clusir/internal/imageio"
	"clusir/internal/planar"
)

// Image holds 8-bit RGB pixels, interleaved by rows: Pix[3*(y*W+x)+c].
type Image struct {
	W, H int
	Pix  []uint8
}

// NewImage returns a black image.
func NewImage(w, h int) *Image { return &Image{W: w, H: h, Pix: make([]uint8, 3*w*h)} }

// isImage reports, from a file's name, whether ReadImage can read it.
func isImage(name string) bool {
	_, err := imageio.FormatOf(name)
	return err == nil
}

// ReadImage decodes a file to 8-bit RGB. It drops alpha and rounds 16 bits to 8.
func ReadImage(path string) (*Image, error) {
	taken, err := decoding.take(path)
	if err != nil {
		return nil, err
	}
	defer decoding.release(taken)
	src, err := imageio.Open(path, imageio.Limits{})
	if err != nil {
		return nil, unreadable(err)
	}
	defer src.Close()
	planes, err := src.Tile(nil, src.Bounds())
	if err != nil {
		return nil, err
	}
	return fromPlanar(planar.Image{C: 3, H: src.H, W: src.W, Pix: planes}), nil
}

// unreadable adds the remedy to an error if it is the file's fault.
func unreadable(err error) error {
	if isMachineFault(err) {
		return err
	}
	return fmt.Errorf("%w; replace or remove the file, or for training list it under train.exclude", err)
}

// readBytes is the memory that ReadImage takes for a picture: as decoded, as planes of
// float32, and as 8-bit RGB.
func readBytes(p imageio.Probe) int64 { return p.Bytes + p.Metadata + (3*4+3)*int64(p.W)*int64(p.H) }

// fromPlanar rounds values in 0..1 to 8 bits.
func fromPlanar(p planar.Image) *Image {
	m := NewImage(p.W, p.H)
	for c := range 3 {
		for i, v := range p.Plane(c) {
			m.Pix[3*i+c] = uint8(v*255 + .5)
		}
	}
	return m
}

// Crop returns a window of the image. Coordinates outside the image are reflected at its
// edges, repeatedly if necessary: an image smaller than a training patch is mirrored
// rather than enlarged, since enlarging would blur noise, rain and motion blur.
func (m *Image) Crop(at image.Rectangle) *Image {
	out := NewImage(at.Dx(), at.Dy())
	for j := range out.H {
		row := m.Pix[3*m.W*planar.Reflect(at.Min.Y+j, m.H):]
		for i := range out.W {
			s := 3 * planar.Reflect(at.Min.X+i, m.W)
			copy(out.Pix[3*(j*out.W+i):][:3], row[s:s+3])
		}
	}
	return out
}

func (m *Image) bounds() image.Rectangle { return image.Rect(0, 0, m.W, m.H) }

// pairs returns an error if the images of two files, which belong together, differ in size.
func (m *Image) pairs(file string, other *Image, otherFile string) error {
	if m.bounds() == other.bounds() {
		return nil
	}
	return fmt.Errorf("%s is %d×%d, and %s, which belongs to it, %d×%d: a pair must be of one size; correct or remove it, or for training list it under train.exclude",
		file, m.W, m.H, otherFile, other.W, other.H)
}

// enlarged returns the image resized to a square of the given side, by Catmull-Rom
// interpolation.
func (m *Image) enlarged(side int) *Image {
	src, dst := m.RGBA(), image.NewRGBA(image.Rect(0, 0, side, side))
	draw.CatmullRom.Scale(dst, dst.Bounds(), src, src.Bounds(), draw.Src, nil)
	return fromRGBA(dst)
}

// RGBA returns the pixels for Go's image packages.
func (m *Image) RGBA() *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, m.W, m.H))
	for i := range m.W * m.H {
		copy(out.Pix[4*i:], m.Pix[3*i:][:3])
		out.Pix[4*i+3] = 255
	}
	return out
}

func fromRGBA(m *image.RGBA) *Image {
	out := NewImage(m.Rect.Dx(), m.Rect.Dy())
	for i := range out.W * out.H {
		copy(out.Pix[3*i:][:3], m.Pix[4*i:])
	}
	return out
}

// CropToMultiple crops the sides to multiples of k about the centre, with the
// protocol's offset (side mod k)/2.
func (m *Image) CropToMultiple(k int) *Image {
	dx, dy := m.W%k, m.H%k
	if dx == 0 && dy == 0 {
		return m
	}
	return m.Crop(image.Rect(0, 0, m.W-dx, m.H-dy).Add(image.Pt(dx/2, dy/2)))
}

// Planar returns the pixels in the network's layout.
func (m *Image) Planar() planar.Image {
	out := planar.New(3, m.H, m.W)
	for c := range 3 {
		for i, dst := 0, out.Plane(c); i < len(dst); i++ {
			dst[i] = float32(m.Pix[3*i+c]) / 255
		}
	}
	return out
}
