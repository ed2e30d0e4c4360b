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
			m.Crop(image.Rect(x, y, x+side, y+side)).planarTurned(dst, planar.Turn(i%planar.Turns))
		}
	})
	b.Run("float32", func(b *testing.B) {
		var patch []float32
		for i := 0; b.Loop(); i++ {
			x, y := at(i)
			cut := planes.Cut(patch, image.Rect(x, y, x+side, y+side))
			patch = cut.Pix
			turnPlanes(dst, cut, planar.Turn(i%planar.Turns))
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
func turnPlanes(dst []float32, m planar.Image, turn planar.Turn) {
	for to, from := range turn.Pixels(m.W, m.H) {
		for c := range 3 {
			dst[c*m.W*m.H+to] = m.Plane(c)[from]
		}
	}
}
