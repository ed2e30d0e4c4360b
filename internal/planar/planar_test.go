package planar

import (
	"image"
	"image/color"
	"slices"
	"testing"
)

func TestReflect(t *testing.T) {
	for n, want := range map[int][]int{1: {0, 0, 0, 0, 0, 0, 0}, 2: {1, 0, 1, 0, 1, 0, 1}, 4: {3, 2, 1, 0, 1, 2, 3}} {
		for i, w := range want {
			if got := Reflect(i-3, n); got != w {
				t.Errorf("Reflect(%d, %d) = %d, want %d", i-3, n, got, w)
			}
		}
	}
	if got := Reflect(7, 4); got != 1 {
		t.Errorf("Reflect(7, 4) = %d, want 1", got)
	}
}

// numbered returns a picture whose values are all different.
func numbered(c, h, w int) Image {
	p := New(c, h, w)
	for i := range p.Pix {
		p.Pix[i] = float32(i)
	}
	return p
}

// TestCutAndPut: pixels that are cut out and put elsewhere keep their values.
func TestCutAndPut(t *testing.T) {
	p := numbered(2, 3, 4)
	part := p.Cut(make([]float32, 1, 9), image.Rect(1, 1, 3, 3))
	if want := []float32{5, 6, 9, 10, 17, 18, 21, 22}; part.C != 2 || part.H != 2 || part.W != 2 || !slices.Equal(part.Pix, want) {
		t.Fatalf("cut %+v", part)
	}
	p.Put(part, 0, 2)
	if want := []float32{0, 1, 5, 6, 4, 5, 9, 10, 8, 9, 10, 11}; !slices.Equal(p.Plane(0), want) {
		t.Errorf("put %v, want %v", p.Plane(0), want)
	}
}

func TestExtend(t *testing.T) {
	p := numbered(1, 2, 3)
	if got := p.Extend(2, 3); &got.Pix[0] != &p.Pix[0] {
		t.Error("a picture of the right size is copied")
	}
	want := []float32{0, 1, 2, 1, 0, 1, 3, 4, 5, 4, 3, 4, 0, 1, 2, 1, 0, 1}
	if got := p.Extend(3, 6); got.H != 3 || got.W != 6 || !slices.Equal(got.Pix, want) {
		t.Errorf("extended %+v, want %v", got, want)
	}
}

// TestRGBA: values are rounded and clamped to 0..1.
func TestRGBA(t *testing.T) {
	p := Image{C: 3, H: 1, W: 2, Pix: []float32{.5, -1, 1.49 / 255, 7, 0, .999}}
	m := p.RGBA()
	for x, want := range []color.RGBA{{128, 1, 0, 255}, {0, 255, 255, 255}} {
		if got := m.RGBAAt(x, 0); got != want {
			t.Errorf("pixel %d is %v, want %v", x, got, want)
		}
	}
	p.Clamp()
	if p.Pix[1] != 0 || p.Pix[3] != 1 || p.Pix[0] != .5 {
		t.Errorf("clamped %v", p.Pix)
	}
}
