package imageio

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"io"
	"math"
	"testing"
)

// sceneOf returns a picture of info's kind with waves, an edge and, if it has alpha,
// transparent, half transparent and opaque parts. Its samples are exact in info's
// depth.
func sceneOf(info Info) *Image {
	m := New(info)
	n := info.W * info.H
	rgb, alpha := make([]float32, 3*n), make([]float32, n)
	for y := range info.H {
		for x := range info.W {
			i := y*info.W + x
			for c := range 3 {
				v := 0.5 + 0.4*math.Sin(float64(x*(c+1))/7+float64(y)/(3+float64(c)))
				if x > info.W/2 && y > info.H/3 {
					v = float64(c) / 2
				}
				rgb[c*n+i] = float32(v)
			}
			alpha[i] = clamp01(float32(x)/float32(max(info.W-1, 1))*2 - 0.5)
		}
	}
	m.SetTile(m.Bounds(), rgb, alpha)
	return m
}

// New returns a black (and transparent, if it has alpha) picture to draw on.
func New(info Info) *Image {
	return newImage(info.Format, newPacked(info.shape(), info.H), upright)
}

// SetTile writes rgb [3,h,w] and, if the picture has it, alpha [h,w] into the rectangle
// r of a picture made by New, as a file would hold them.
func (m *Image) SetTile(r image.Rectangle, rgb, alpha []float32) {
	p := m.src.(*packed)
	for y := range r.Dy() {
		row := p.row(r.Min.Y + y)[r.Min.X*p.step : r.Max.X*p.step]
		quantize(row, &m.Info, rgb, alpha, y*r.Dx(), r.Dx()*r.Dy())
	}
}

// Save writes the picture to a file in the format of info, which is m.Info or a result
// of Fit.
func (m *Image) Save(path string, info Info, o Options) error {
	return WriteFile(path, info, o, m.copyTo)
}

// Encode writes the picture to out; see Save.
func (m *Image) Encode(out io.Writer, info Info, o Options) error {
	w, err := NewWriter(out, info, o)
	if err != nil {
		return err
	}
	if err := m.copyTo(w); err != nil {
		return err
	}
	return w.Close()
}

// copyTo writes the picture's rows, including the colours of hidden pixels.
func (m *Image) copyTo(w *Writer) error {
	const strip = 32
	var rgb, alpha []float32
	for y := 0; y < m.H; y += strip {
		r := image.Rect(0, y, m.W, min(y+strip, m.H))
		var err error
		if rgb, err = m.Stored(rgb, r); err != nil {
			return err
		}
		if alpha, err = m.Opacity(alpha, r); err != nil {
			return err
		}
		if m.Alpha && !w.info.Alpha {
			Flatten(rgb, alpha)
		}
		if err := w.Rows(rgb, alpha); err != nil {
			return err
		}
	}
	return nil
}

// encoded returns m as a file of info.
func encoded(t testing.TB, m *Image, info Info, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := m.Encode(&b, info, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// decoded decodes the picture in data.
func decoded(t testing.TB, data []byte) *Image {
	t.Helper()
	m, err := Decode(bytes.NewReader(data), "test", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// values returns m's stored colours and alpha as integers of its depth.
func values(t testing.TB, m *Image) []int {
	t.Helper()
	rgb, err := m.Stored(nil, m.Bounds())
	if err != nil {
		t.Fatal(err)
	}
	alpha, err := m.Opacity(nil, m.Bounds())
	if err != nil {
		t.Fatal(err)
	}
	top := float64(int(1)<<m.Depth - 1)
	var out []int
	for _, v := range append(rgb, alpha...) {
		out = append(out, int(float64(v)*top+0.5))
	}
	return out
}

// difference returns the largest difference of two pictures' values and the share of
// values that differ.
func difference(t testing.TB, got, want []int) (worst int, part float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d values, want %d", len(got), len(want))
	}
	for i := range got {
		if d := abs(got[i] - want[i]); d > 0 {
			worst, part = max(worst, d), part+1
		}
	}
	return worst, part / float64(len(got))
}

// same requires two pictures to be equal, bit for bit.
func same(t testing.TB, got, want *Image) {
	t.Helper()
	if got.W != want.W || got.H != want.H || got.Depth != want.Depth || got.Grey != want.Grey || got.Alpha != want.Alpha {
		t.Fatalf("got %d×%d, %d bits, grey %v, alpha %v; want %d×%d, %d, %v, %v", got.W, got.H, got.Depth,
			got.Grey, got.Alpha, want.W, want.H, want.Depth, want.Grey, want.Alpha)
	}
	if worst, part := difference(t, values(t, got), values(t, want)); worst > 0 {
		t.Errorf("%.1f%% of the values differ, by up to %d", 100*part, worst)
	}
}

// stdValues returns a picture's values as Go's image packages give them.
func stdValues(img image.Image, depth int, alpha bool) (out []int) {
	b := img.Bounds()
	for c := range 4 {
		if c == 3 && !alpha {
			break
		}
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				out = append(out, straight(img, x, y)[c]>>(16-depth))
			}
		}
	}
	return out
}

// straight returns a pixel's colour, not multiplied by alpha, 16 bits each.
func straight(img image.Image, x, y int) [4]int {
	switch c := img.At(x, y).(type) {
	case color.NRGBA:
		return [4]int{int(c.R) * 257, int(c.G) * 257, int(c.B) * 257, int(c.A) * 257}
	case color.NRGBA64:
		return [4]int{int(c.R), int(c.G), int(c.B), int(c.A)}
	}
	r, g, b, a := img.At(x, y).RGBA()
	return [4]int{int(r), int(g), int(b), int(a)}
}

// exifOf returns a little-endian EXIF block with an orientation, the picture's size in
// its EXIF directory and a thumbnail directory.
func exifOf(turn, w, h int) []byte {
	le := binary.LittleEndian
	entry := func(b []byte, tag, kind uint16, value uint32) []byte {
		b = le.AppendUint16(le.AppendUint16(b, tag), kind)
		return le.AppendUint32(le.AppendUint32(b, 1), value)
	}
	b := append([]byte("II*\x00"), 8, 0, 0, 0)
	b = le.AppendUint16(b, 2)
	b = entry(b, tagOrientation, typeShort, uint32(turn))
	b = entry(b, tagExifIFD, typeLong, 38)
	b = le.AppendUint32(b, 68) // the thumbnail's directory
	b = le.AppendUint16(b, 2)  // at 38
	b = entry(b, tagPixelXDimension, typeShort, uint32(w))
	b = entry(b, tagPixelYDimension, typeLong, uint32(h))
	b = le.AppendUint32(b, 0)
	b = le.AppendUint16(b, 0) // at 68: an empty directory
	return le.AppendUint32(b, 0)
}

// iccOf returns a profile's header and a body of n bytes; space is "RGB " or "GRAY".
func iccOf(space string, n int) []byte {
	icc := make([]byte, 128+n)
	binary.BigEndian.PutUint32(icc, uint32(len(icc)))
	copy(icc[16:], space)
	copy(icc[36:], "acsp")
	for i := range n {
		icc[128+i] = byte(i * i >> 3)
	}
	return icc
}
