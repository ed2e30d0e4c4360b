package dataset

import (
	"image"
	"math"
	"path/filepath"
	"slices"
	"testing"
)

func TestCropToMultiple(t *testing.T) {
	// CBSD68's 481×321 become 480×320, from (0, 0); the offset is (side mod 16)/2.
	for _, tt := range []struct{ w, h, x, y, cw, ch int }{
		{481, 321, 0, 0, 480, 320}, {37, 50, 2, 1, 32, 48}, {31, 47, 7, 7, 16, 32}, {64, 16, 0, 0, 64, 16},
	} {
		m := NewImage(tt.w, tt.h)
		for i := range m.Pix {
			m.Pix[i] = uint8(i * 7)
		}
		c := m.CropToMultiple(16)
		if c.W != tt.cw || c.H != tt.ch || !slices.Equal(c.Pix, m.Crop(image.Rect(tt.x, tt.y, tt.x+tt.cw, tt.y+tt.ch)).Pix) {
			t.Errorf("%d×%d becomes %d×%d, want %d×%d from (%d, %d)", tt.w, tt.h, c.W, c.H, tt.cw, tt.ch, tt.x, tt.y)
		}
	}
}

func TestPlanar(t *testing.T) {
	m := &Image{W: 2, H: 1, Pix: []uint8{0, 51, 255, 102, 1, 2}}
	if got, want := m.Planar().Pix, []float32{0, 102. / 255, 51. / 255, 1. / 255, 1, 2. / 255}; !slices.Equal(got, want) {
		t.Errorf("planes %v, want %v", got, want)
	}
}

func TestReadImageKeepsPixels(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.png")
	src := image.NewNRGBA(image.Rect(0, 0, 17, 5))
	rng := newRand(1)
	for i := range src.Pix {
		src.Pix[i] = uint8(rng.IntN(256)) | 1 // never fully transparent
	}
	writeImage(t, path, src)
	m, err := ReadImage(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 17 * 5 {
		if !slices.Equal(m.Pix[3*i:3*i+3], src.Pix[4*i:4*i+3]) {
			t.Fatalf("pixel %d is %v, want %v", i, m.Pix[3*i:3*i+3], src.Pix[4*i:4*i+3])
		}
	}
	if m.W != 17 || m.H != 5 {
		t.Errorf("it is %d×%d", m.W, m.H)
	}
}

func TestEnlarged(t *testing.T) {
	m := NewImage(20, 20)
	for i := range 400 {
		m.Pix[3*i] = uint8(10 * (i % 20)) // a ramp stays a ramp
		m.Pix[3*i+1] = 77
	}
	big := m.enlarged(40)
	for y := 8; y < 32; y++ {
		for x := 8; x < 32; x++ {
			p := big.Pix[3*(y*40+x):]
			if want := 10 * ((float64(x)+.5)/2 - .5); math.Abs(float64(p[0])-want) > 1 || p[1] != 77 {
				t.Fatalf("(%d, %d) is %v, want %.1f and 77", x, y, p[:3], want)
			}
		}
	}
}

// BenchmarkSample measures the cost of a sample of each kind with decoded images.
func BenchmarkSample(b *testing.B) {
	dir := b.TempDir()
	writeImages(b, dir, 481, 321, "a.png", "in/a.png")
	for _, task := range []Task{
		{Kind: Denoise, Repeat: 1, Sigmas: []float64{25}}, {Kind: Pairs, Repeat: 1, Input: "in", Target: "in"},
		{Kind: Derain, Synth: 1}, {Kind: Dehaze, Synth: 1}, {Kind: Deblur, Synth: 1}, {Kind: Enhance, Synth: 1},
		{Kind: Desnow, Synth: 1}, {Kind: CDD11, Synth: 1, Kinds: []string{"low_haze_snow"}},
	} {
		b.Run(task.Kind, func(b *testing.B) {
			o := options(dir, task)
			o.Patch, o.Cache = 128, 1<<30
			s, _ := open(b, o)
			in, target := make([]float32, 3*128*128), make([]float32, 3*128*128)
			for i := range b.N {
				if _, err := s.Sample(in, target, i, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
