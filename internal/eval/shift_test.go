package eval

import (
	"math"
	"strings"
	"testing"

	"clusir/internal/dataset"
	"clusir/internal/planar"
)

func TestShift(t *testing.T) {
	a := planar.Image{C: 3, H: 1, W: 2, Pix: []float32{.5, .5, .5, .5, .5, .5}}
	b := planar.Image{C: 3, H: 1, W: 2, Pix: []float32{0, 1, .5, .25, .625, .5}} // by 0, -1/8 and 1/16
	if got := shift(a, b); math.Abs(got-.125) > 1e-9 {
		t.Errorf("shift %g, want 0.125", got)
	}
	r := &Report{Images: []ImageResult{{Benchmark: "clean", Shift: .1}, {Benchmark: "clean", Shift: .3},
		{Benchmark: "clean", Shift: 9, Err: "failed"}, {Benchmark: "lol", Shift: 7}}}
	r.Splits = []SplitResult{{Split: Split{Benchmark: "clean", Title: "Clean", Task: dataset.Clean}, Images: 2}}
	if got := strings.Join(r.notes(), "\n"); !strings.Contains(got, "by 0.2000 on average and by 0.3000 at most") {
		t.Errorf("notes %q", got)
	}
}

// TestQuality: a result is clamped before it is measured, and on luma both pictures are luma.
func TestQuality(t *testing.T) {
	flat := func(red float32) planar.Image {
		m := planar.New(3, 16, 16)
		for i := range m.Plane(0) {
			m.Plane(0)[i] = red
		}
		return m
	}
	s := shot{in: flat(.5), restored: flat(1.5), clean: flat(1)}
	if err := s.compare(Protocol{Name: "promptir"}); err != nil || !math.IsInf(s.Output.PSNR, 1) || math.Abs(s.Input.PSNR-10*math.Log10(12)) > 1e-3 {
		t.Errorf("RGB: %+v, %v", s.ImageResult, err)
	}
	const red = 65.481 / 255 // its weight in BT.601's luma
	if err := s.compare(Protocol{Name: "promptir", YChannel: true}); err != nil || math.Abs(s.Input.PSNR+20*math.Log10(red/2)) > 1e-3 {
		t.Errorf("luma: %+v, %v", s.ImageResult, err)
	}
}
