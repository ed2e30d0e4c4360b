package train

import (
	"math"
	"testing"
)

func TestRelativeImportance(t *testing.T) {
	// Three samples of two values: clean, off by 0.08 and off by 0.48.
	input := []float32{.1, .9, .58, .42, 0, .01}
	target := []float32{.1, .9, .5, .5, .48, .49}
	got := relativeImportance(input, target, 3)
	for i, want := range []float64{5, 1, .2} {
		if math.Abs(float64(got[i])-want) > 1e-5 {
			t.Errorf("sample %d has importance %g, want %g", i, got[i], want)
		}
	}
}
