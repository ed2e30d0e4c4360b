package eval

import (
	"reflect"
	"testing"
)

// TestProgress: progress moves within each image, never falls and ends with the number
// of images, however many are measured in parallel; the results do not change.
func TestProgress(t *testing.T) {
	o := options(t)
	want := mustRun(t, openNano(t, 1, 2), o)
	for _, n := range []int{1, 3} {
		var said []float64
		o.Progress = func(done float64, of int) {
			if of != 11 {
				t.Fatalf("%g of %d", done, of)
			}
			said = append(said, done)
		}
		if got := mustRun(t, openNano(t, n, 1), o); !reflect.DeepEqual(got, want) {
			t.Errorf("%d at a time: the results change", n)
		}
		if len(said) < 11*50 || said[0] > 0.1 || said[len(said)-1] != 11 {
			t.Fatalf("%d at a time: %d steps, from %g to %g", n, len(said), said[0], said[len(said)-1])
		}
		for i, s := range said[1:] {
			if s < said[i] || s > said[i]+0.1*float64(n) {
				t.Errorf("%d at a time: %g after %g", n, s, said[i])
			}
		}
	}
}
