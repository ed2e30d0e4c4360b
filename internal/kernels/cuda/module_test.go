//go:build cuda

package cuda

import (
	"maps"
	"testing"
)

// A device gets the newest machine code that it runs, and PTX only if there is none.
func TestImagesFor(t *testing.T) {
	files := []string{"i/a.sm_80.cubin", "i/a.sm_90.cubin", "i/a.compute_80.ptx", "i/a.sm_86.cubin", "i/b.fatbin", "i/release"}
	for _, c := range []struct {
		major, minor int
		a            string
	}{
		{8, 0, "i/a.sm_80.cubin"}, {8, 6, "i/a.sm_86.cubin"}, {8, 9, "i/a.sm_86.cubin"}, {9, 0, "i/a.sm_90.cubin"},
		{10, 0, "i/a.compute_80.ptx"}, {12, 1, "i/a.compute_80.ptx"},
	} {
		if got, want := imagesFor(files, c.major, c.minor), map[string]string{"a": c.a, "b": "i/b.fatbin"}; !maps.Equal(got, want) {
			t.Errorf("compute capability %d.%d: %v, want %v", c.major, c.minor, got, want)
		}
	}
}
