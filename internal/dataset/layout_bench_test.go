package dataset

import (
	"errors"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"clusir/internal/planar"
)

// BenchmarkPatch cuts a training patch, turned and as float32, from a picture as the
// cache holds it (8 bits, interleaved), and from planes of float32, which
// take four times the memory; and it decodes the picture from a JPEG, as for what the
// cache has no room for. See ADR 11.
func BenchmarkPatch(b *testing.B) {
	const w, h, side = 481, 321, 128
	m := NewImage(w, h)
	for i := range m.Pix {
		m.Pix[i] = uint8(i / 61)
	}
	planes, dst := m.Planar(), make([]float32, 3*side*side)
	at := func(i int) (x, y int) { return i % (w - side), i * 7 % (h - side) }
	b.Run("8bit", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			x, y := at(i)
			m.Crop(image.Rect(x, y, x+side, y+side)).planarTurned(dst, i%8)
		}
	})
	b.Run("float32", func(b *testing.B) {
		var patch []float32
		for i := 0; b.Loop(); i++ {
			x, y := at(i)
			cut := planes.Cut(patch, image.Rect(x, y, x+side, y+side))
			patch = cut.Pix
			turnPlanes(dst, cut, i%8)
		}
	})
	path := filepath.Join(b.TempDir(), "picture.jpg")
	f, err := os.Create(path)
	if err == nil {
		err = errors.Join(jpeg.Encode(f, m.RGBA(), nil), f.Close())
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := ReadImage(path); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// turnPlanes does what planarTurned does, for planes.
func turnPlanes(dst []float32, m planar.Image, turn int) {
	p := m.W
	for c := range 3 {
		src, out := m.Plane(c), dst[c*p*p:]
		for y := range p {
			for x := range p {
				sx, sy := x, y
				if turn&4 != 0 {
					sx, sy = sy, sx
				}
				if turn&1 != 0 {
					sx = p - 1 - sx
				}
				if turn&2 != 0 {
					sy = p - 1 - sy
				}
				out[y*p+x] = src[sy*p+sx]
			}
		}
	}
}
