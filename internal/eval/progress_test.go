package eval

import (
	"fmt"
	"reflect"
	"testing"
)

// TestProgress: progress begins before the first image, counts every one and ends with
// their number, however many are measured in parallel.
func TestProgress(t *testing.T) {
	o := options(t)
	var want []string
	for i := range 12 {
		want = append(want, fmt.Sprintf("%d of 11", i))
	}
	for _, n := range []int{1, 3} {
		var said []string
		o.Progress = func(_ *ImageResult, done, of int) { said = append(said, fmt.Sprintf("%d of %d", done, of)) }
		mustRun(t, openNano(t, n, 1), o)
		if !reflect.DeepEqual(said, want) {
			t.Errorf("%d at a time: %v, want %v", n, said, want)
		}
	}
}
