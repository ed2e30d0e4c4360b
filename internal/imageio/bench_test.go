package imageio

import (
	"bytes"
	"image"
	"io"
	"testing"
)

// photo returns a real photograph, tiled 8 times in both directions, as info.
func photo(b *testing.B, f Format) *Image {
	b.Helper()
	m, err := Open("../../testdata/images/coffee.png", Limits{})
	if err != nil {
		b.Fatal(err)
	}
	px, err := m.Tile(nil, m.Bounds())
	if err != nil {
		b.Fatal(err)
	}
	const times = 8
	out := New(Info{Format: f, W: m.W * times, H: m.H * times, Depth: 8})
	for y := range times {
		for x := range times {
			r := m.Bounds().Add(image.Pt(x*m.W, y*m.H))
			out.SetTile(r, px, nil)
		}
	}
	return out
}

// BenchmarkEncode and BenchmarkDecode report megapixels as MB/s: one MB is one million
// pixels.
func BenchmarkEncode(b *testing.B) {
	for _, f := range Formats {
		m := photo(b, f)
		b.Run(f.String(), func(b *testing.B) {
			b.SetBytes(int64(m.W * m.H))
			for b.Loop() {
				if err := m.Encode(io.Discard, m.Info, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, f := range Formats {
		m := photo(b, f)
		var file bytes.Buffer
		if err := m.Encode(&file, m.Info, Options{}); err != nil {
			b.Fatal(err)
		}
		b.Run(f.String(), func(b *testing.B) {
			b.SetBytes(int64(m.W * m.H))
			for b.Loop() {
				got, err := Decode(bytes.NewReader(file.Bytes()), "bench", Limits{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := got.Tile(nil, got.Bounds()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
