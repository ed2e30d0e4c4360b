package imageio

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image/png"
	"math/rand/v2"
	"testing"
)

// pngKind is a colour type with a depth and, for some, transparency by tRNS.
type pngKind struct {
	kind, depth uint8
	trns        int // in bytes
}

// pngKinds returns all colour types, depths and forms of transparency.
func pngKinds() (kinds []pngKind) {
	for _, depth := range []uint8{1, 2, 4, 8, 16} {
		kinds = append(kinds, pngKind{pngGrey, depth, 0}, pngKind{pngGrey, depth, 2})
		if depth <= 8 {
			kinds = append(kinds, pngKind{pngPalette, depth, 0}, pngKind{pngPalette, depth, 2})
		}
		if depth >= 8 {
			kinds = append(kinds, pngKind{pngRGB, depth, 0}, pngKind{pngRGB, depth, 6},
				pngKind{pngGreyAlpha, depth, 0}, pngKind{pngRGBA, depth, 0})
		}
	}
	return kinds
}

// rawPNG returns a PNG of random samples whose rows use all filters in turn.
func rawPNG(k pngKind, w, h int, interlaced bool) []byte {
	rng := rand.New(rand.NewPCG(uint64(k.kind), uint64(k.depth)))
	b := bytes.NewBufferString("\x89PNG\r\n\x1a\n")
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(w)), uint32(h))
	laced := byte(0)
	if interlaced {
		laced = 1
	}
	writeChunk(b, "IHDR", append(header, k.depth, k.kind, 0, 0, laced))
	random := func(n int) []byte {
		out := make([]byte, n)
		for i := range out {
			out[i] = byte(rng.Uint32())
		}
		return out
	}
	if k.kind == pngPalette {
		writeChunk(b, "PLTE", random(3<<k.depth))
	}
	var raw []byte
	for _, size := range passSizes(w, h, interlaced) {
		rowBytes := pngHeader{depth: k.depth, kind: k.kind}.rowBytes(size[0])
		for y := range size[1] {
			raw = append(append(raw, byte(y%5)), random(rowBytes)...)
		}
	}
	if k.trns > 0 {
		writeChunk(b, "tRNS", k.key(raw[1:], random(k.trns)))
	}
	data := deflate(raw)
	half := len(data) / 2 // two IDAT chunks, as writers make them
	writeChunk(b, "IDAT", data[:half])
	writeChunk(b, "IDAT", data[half:])
	writeChunk(b, "IEND", nil)
	return b.Bytes()
}

// key returns the content of tRNS: some transparent colours of a palette, or the first
// pixel's colour, with any bits above its depth.
func (k pngKind) key(pixel, junk []byte) []byte {
	for c := 0; c < len(junk) && k.kind != pngPalette; c += 2 {
		if k.depth == 16 {
			copy(junk[c:c+2], pixel[c:])
		} else {
			junk[c+1] = uint8(bitsAt(pixel, c/2, int(k.depth)))
		}
	}
	return junk
}

// passSizes returns the sizes of Adam7's seven passes (section 8.2), or of the whole
// picture.
func passSizes(w, h int, interlaced bool) (sizes [][2]int) {
	if !interlaced {
		return [][2]int{{w, h}}
	}
	for _, p := range [][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
		pw, ph := (w-p[0]+p[2]-1)/p[2], (h-p[1]+p[3]-1)/p[3]
		if pw > 0 && ph > 0 {
			sizes = append(sizes, [2]int{pw, ph})
		}
	}
	return sizes
}

// TestPNGAgainstLibrary compares every kind of PNG with image/png, whole and in strips.
func TestPNGAgainstLibrary(t *testing.T) {
	for _, k := range pngKinds() {
		for _, interlaced := range []bool{false, true} {
			t.Run(fmt.Sprintf("type%d_%dbit_trns%d_%v", k.kind, k.depth, k.trns, interlaced), func(t *testing.T) {
				data := rawPNG(k, 19, 13, interlaced)
				std, err := png.Decode(bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				for _, maxBytes := range []int64{0, 1} {
					m, err := Decode(bytes.NewReader(data), "test", Limits{MaxBytes: maxBytes})
					if err != nil {
						t.Fatal(err)
					}
					if got, want := m.streamed(), maxBytes == 1 && !interlaced; got != want {
						t.Errorf("streamed: %v, want %v", got, want)
					}
					checkPNGKind(t, k, m)
					worst, _ := difference(t, values(t, m), stdValues(std, m.Depth, m.Alpha))
					if worst > 0 {
						t.Errorf("values differ from image/png by up to %d", worst)
					}
				}
			})
		}
	}
}

func checkPNGKind(t *testing.T, k pngKind, m *Image) {
	t.Helper()
	depth := 8
	if k.depth == 16 {
		depth = 16
	}
	grey := k.kind == pngGrey || k.kind == pngGreyAlpha
	alpha := k.kind == pngGreyAlpha || k.kind == pngRGBA || k.trns > 0
	if m.Depth != depth || m.Grey != grey || m.Alpha != alpha {
		t.Errorf("got %d bits, grey %v, alpha %v; want %d, %v, %v", m.Depth, m.Grey, m.Alpha, depth, grey, alpha)
	}
}

// TestPNGRoundTrip writes every kind of PNG and reads it with image/png and with this
// package.
func TestPNGRoundTrip(t *testing.T) {
	for _, info := range kinds(PNG) {
		t.Run(kindName(info), func(t *testing.T) {
			m := sceneOf(info)
			data := encoded(t, m, info, Options{})
			same(t, decoded(t, data), m)
			std, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if worst, _ := difference(t, values(t, m), stdValues(std, info.Depth, info.Alpha)); worst > 0 {
				t.Errorf("image/png reads values that differ by up to %d", worst)
			}
		})
	}
}

// TestStrips reads tiles of a streamed picture in an awkward order.
func TestStrips(t *testing.T) {
	info := Info{Format: PNG, W: 40, H: 200, Depth: 16, Alpha: true}
	m := sceneOf(info)
	for _, turn := range []int{1, 2} {
		info.Meta.EXIF = exifOf(turn, info.W, info.H)
		data := encoded(t, m, info, Options{})
		whole := decoded(t, data)
		strips, err := Decode(bytes.NewReader(data), "test", Limits{MaxBytes: 1})
		if err != nil || !strips.streamed() {
			t.Fatalf("not streamed: %v", err)
		}
		for _, y := range []int{0, 0, 24, 90, 60, 199, 1} {
			r := whole.Bounds()
			r.Min.Y, r.Max.Y = y, min(y+32, r.Max.Y)
			r.Min.X = y % 7
			for _, tile := range []func(*Image) ([]float32, error){
				func(m *Image) ([]float32, error) { return m.Tile(nil, r) },
				func(m *Image) ([]float32, error) { return m.Opacity(nil, r) },
			} {
				got, err := tile(strips)
				if err != nil {
					t.Fatal(err)
				}
				want, _ := tile(whole)
				if !equalFloats(got, want) {
					t.Errorf("orientation %d: rows %v differ", turn, r)
				}
			}
		}
		if held := len(strips.src.(*rowStream).pix); held > 33*40*8 {
			t.Errorf("%d bytes are held after a tile of 32 rows", held)
		}
	}
}

func equalFloats(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestStripsGoBack: a stream goes back without decoding again within its budget, and
// starts over beyond it.
func TestStripsGoBack(t *testing.T) {
	info := Info{Format: PNG, W: 10, H: 300, Depth: 8}
	whole := sceneOf(info)
	m, err := Decode(bytes.NewReader(encoded(t, whole, info, Options{})), "test", Limits{MaxBytes: 30 * 100})
	if err != nil {
		t.Fatal(err)
	}
	stream, opened := m.src.(*rowStream), 0
	open := stream.open
	stream.open = func() (rowReader, error) { opened++; return open() }
	for _, step := range []struct{ from, to, opened int }{
		{0, 60, 1}, {0, 40, 1}, {40, 100, 1}, {50, 120, 1}, {20, 60, 1}, {100, 160, 1}, {60, 150, 1}, {10, 20, 2}, {299, 300, 2}, {0, 90, 3}, {200, 230, 3},
	} {
		r := m.Bounds()
		r.Min.Y, r.Max.Y = step.from, step.to
		got, err := m.Tile(nil, r)
		if err != nil {
			t.Fatal(err)
		}
		if want, _ := whole.Tile(nil, r); !equalFloats(got, want) {
			t.Errorf("rows %d to %d differ", step.from, step.to)
		}
		if opened != step.opened {
			t.Errorf("rows %d to %d: opened %d times, want %d", step.from, step.to, opened, step.opened)
		}
		if len(stream.pix) > 31*100 {
			t.Errorf("rows %d to %d: %d bytes are held", step.from, step.to, len(stream.pix))
		}
	}
}

// TestPNGWithoutEnd reads a PNG without its last chunk, or with a part of it.
func TestPNGWithoutEnd(t *testing.T) {
	info := Info{Format: PNG, W: 9, H: 9, Depth: 8}
	m := sceneOf(info)
	data := encoded(t, m, info, Options{})
	for cut := range 13 {
		same(t, describes(t, data[:len(data)-cut]), m)
	}
}
