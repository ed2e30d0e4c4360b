package report

import (
	"math"
	"testing"

	"clusir/internal/eval"
)

func TestGain(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		in, out float64
		want    string
	}{{20, 25.5, "+5.50"}, {30, 29, "-1.00"}, {30, 29.998, "+0.00"}, {inf, 40, "–"}, {inf, inf, "+0.00"}, {30, inf, "∞"}} {
		i := eval.ImageResult{Input: eval.Quality{PSNR: c.in}, Output: eval.Quality{PSNR: c.out}}
		if got := gain(gainOf(i)); got != c.want {
			t.Errorf("from %g to %g dB: %q, want %q", c.in, c.out, got, c.want)
		}
	}
}
