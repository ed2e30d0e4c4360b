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
