package imageio

import (
	"fmt"
	"image"
	"math"
	"testing"
)

// TestOrientation stores a picture in each of the eight orientations and expects it
// upright, whole and in tiles.
func TestOrientation(t *testing.T) {
	// Where a stored picture's first pixel, and the one right of it, should appear in a
	// picture of 5×3 (EXIF 2.32, 4.6.4 A).
	cases := []struct {
		turn          int
		first, second image.Point
	}{
		{1, image.Pt(0, 0), image.Pt(1, 0)},
		{2, image.Pt(4, 0), image.Pt(3, 0)},
		{3, image.Pt(4, 2), image.Pt(3, 2)},
		{4, image.Pt(0, 2), image.Pt(1, 2)},
		{5, image.Pt(0, 0), image.Pt(0, 1)},
		{6, image.Pt(4, 0), image.Pt(4, 1)},
		{7, image.Pt(4, 2), image.Pt(4, 1)},
		{8, image.Pt(0, 2), image.Pt(0, 1)},
	}
	for _, tc := range cases {
		t.Run(fmt.Sprint(tc.turn), func(t *testing.T) {
			turn := orientation(tc.turn)
			w, h := turn.turn().Size(5, 3) // stored
			info := Info{Format: PNG, W: w, H: h, Depth: 8, Grey: true}
			stored := New(info)
			rgb := make([]float32, 3*w*h)
			for c := range 3 {
				rgb[c*w*h], rgb[c*w*h+1] = 1, 0.6
			}
			stored.SetTile(stored.Bounds(), rgb, nil)
			info.Meta.EXIF = exifOf(tc.turn, w, h)
			m := decoded(t, encoded(t, stored, info, Options{}))
			if m.W != 5 || m.H != 3 {
				t.Fatalf("got %d×%d, want 5×3", m.W, m.H)
			}
			for _, step := range []int{5, 2} { // whole, tiles
				px := gather(t, m, step)
				if got := px[tc.first.Y*5+tc.first.X]; got != 1 {
					t.Errorf("tiles of %d: the first pixel is not at %v: %v", step, tc.first, px)
				}
				if got := px[tc.second.Y*5+tc.second.X]; got != 0.6 {
					t.Errorf("tiles of %d: the second pixel is not at %v: %v", step, tc.second, px)
				}
			}
		})
	}
}

// gather reads the first channel of m in tiles of step×step.
func gather(t *testing.T, m *Image, step int) []float32 {
	t.Helper()
	out := make([]float32, m.W*m.H)
	for y := 0; y < m.H; y += step {
		for x := 0; x < m.W; x += step {
			r := image.Rect(x, y, x+step, y+step).Intersect(m.Bounds())
			px, err := m.Tile(nil, r)
			if err != nil {
				t.Fatal(err)
			}
			for i := range r.Dx() * r.Dy() {
				out[(y+i/r.Dx())*m.W+x+i%r.Dx()] = px[i]
			}
		}
	}
	return out
}

// TestTileOfChroma reads tiles that cut through interpolated chroma.
func TestTileOfChroma(t *testing.T) {
	for _, factors := range []string{
		"\x11\x11\x11", "\x21\x11\x11", "\x22\x11\x11", "\x12\x11\x11", "\x41\x11\x11", "\x42\x11\x11",
		"\x14\x11\x11", "\x31\x11\x11", "\x22\x12\x11", "\x11\x22\x11", "\x22\x11\x11\x22",
	} {
		d := &jpegDecoder{adobe: -1}
		frame := []byte{8, 0, 17, 0, 23, byte(len(factors))}
		for i := range factors {
			frame = append(frame, byte(i), factors[i], 0)
		}
		if err := d.startFrame(0xc0, frame); err != nil {
			t.Fatal(err)
		}
		for k := range d.comps {
			d.comps[k].allocate(false)
			for i := range d.comps[k].plane {
				d.comps[k].plane[i] = uint8(i * (37 + i*k))
			}
		}
		m := newImage(JPEG, newChroma(d), upright)
		if whole, tiled := gather(t, m, 23), gather(t, m, 3); !equalFloats(whole, tiled) {
			t.Errorf("%x: tiles differ from the whole", factors)
		}
	}
}

// TestSamplesSurvive converts every 8- and 16-bit sample to float and back.
func TestSamplesSurvive(t *testing.T) {
	for _, depth := range []int{8, 16} {
		info := Info{W: 256, H: 1 << depth / 256, Depth: depth, Grey: true}
		m, out := New(info), New(info)
		p := m.src.(*packed)
		for i := range 1 << depth {
			if depth == 8 {
				p.pix[i] = uint8(i)
			} else {
				p.pix[2*i], p.pix[2*i+1] = uint8(i>>8), uint8(i)
			}
		}
		px, err := m.Tile(nil, m.Bounds())
		if err != nil {
			t.Fatal(err)
		}
		out.SetTile(out.Bounds(), px, nil)
		if string(out.src.(*packed).pix) != string(p.pix) {
			t.Errorf("%d-bit samples change on the way to float and back", depth)
		}
	}
}

func TestSetTileClamps(t *testing.T) {
	m := New(Info{W: 4, H: 1, Depth: 8})
	nan := float32(math.NaN())
	rgb := []float32{-1, 2, nan, 0.5, -1, 2, nan, 0.5, -1, 2, nan, 0.5}
	m.SetTile(m.Bounds(), rgb, nil)
	if got, want := m.src.(*packed).pix, "\x00\x00\x00\xff\xff\xff\x00\x00\x00\x80\x80\x80"; string(got) != want {
		t.Errorf("got % x, want % x", got, want)
	}
}

// TestHidden: the network sees no colour of transparent pixels, and Stored
// returns all of it.
func TestHidden(t *testing.T) {
	info := Info{Format: PNG, W: 9, H: 7, Depth: 8, Alpha: true}
	m, n := New(info), 63
	rgb, alpha := make([]float32, 3*n), make([]float32, n)
	for i := range n {
		if i%9 < 4 { // visible and reddish; the rest hides pure green
			rgb[i], alpha[i] = 0.8, 1
		} else {
			rgb[n+i] = 1
		}
	}
	m.SetTile(m.Bounds(), rgb, alpha)
	seen, err := m.Tile(nil, m.Bounds())
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if math.Abs(float64(seen[i])-0.8) > 1e-6 || seen[n+i] != 0 {
			t.Fatalf("pixel %d: the network sees %.2f red and %.2f green", i, seen[i], seen[n+i])
		}
	}
	stored, err := m.Stored(seen, m.Bounds())
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if want := 1 - alpha[i]; stored[n+i] != want {
			t.Fatalf("pixel %d: the stored green is %.2f, want %.2f", i, stored[n+i], want)
		}
	}
}

// TestFillHiddenLocal: the nearest visible colours win, weighted by alpha.
func TestFillHiddenLocal(t *testing.T) {
	rgb := []float32{0.2, 0, 0, 0, 0, 0, 0, 0.9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	alpha := []float32{1, 0, 0, 0, 0, 0, 0, 0.5}
	fillHidden(rgb, alpha, 8, 1)
	want := []float32{0.2, 0.2, 0.2, 0.2, 0.9, 0.9, 0.9, 0.9}
	if !equalFloats(rgb[:8], want) {
		t.Errorf("got %v, want %v", rgb[:8], want)
	}
	none := []float32{1, 2, 3, 4, 5, 6}
	fillHidden(none, []float32{0, 0}, 2, 1)
	if none[0] != 1 || none[5] != 6 {
		t.Errorf("a tile without visible pixels became %v", none)
	}
}

func TestWrongTilesPanic(t *testing.T) {
	m := New(Info{W: 4, H: 4, Depth: 8})
	for name, f := range map[string]func(){
		"outside": func() { m.Tile(nil, image.Rect(0, 0, 5, 4)) },
		"empty":   func() { m.Tile(nil, image.Rect(2, 2, 2, 4)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
