package imageio

import (
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tolerance is how far a fixture may be from what the reference library makes
// of it: the largest difference and the part of values that differ.
type tolerance struct {
	most int
	part float64
}

// tolerances by the beginning of a fixture's name; what is not here must be
// equal. A JPEG differs because the inverse DCT of image/jpeg rounds otherwise
// than libjpeg's: planes by one level, RGB by up to three. Wrong upsampling
// would be off by tens at the fixture's saturated edge.
var tolerances = map[string]tolerance{
	"jpeg_":      {3, 0.05},
	"jpeg_narro": {3, 0.10},
}

func toleranceOf(name string) (best tolerance) {
	longest := 0
	for prefix, t := range tolerances {
		if strings.HasPrefix(name, prefix) && len(prefix) > longest {
			best, longest = t, len(prefix)
		}
	}
	return best
}

// TestFixtures compares with what libjpeg-turbo, libtiff and libwebp decode
// (scripts/imageio_fixtures.py).
func TestFixtures(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.expected.png")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, expected := range paths {
		stem := strings.TrimSuffix(expected, ".expected.png")
		files, _ := filepath.Glob(stem + ".[^e]*")
		if len(files) != 1 {
			t.Fatalf("%s: expected one picture, found %v", stem, files)
		}
		t.Run(filepath.Base(stem), func(t *testing.T) { checkFixture(t, files[0], expected) })
	}
}

func checkFixture(t *testing.T, path, expected string) {
	m, err := Open(path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	f, err := os.Open(expected)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if b := want.Bounds(); m.W != b.Dx() || m.H != b.Dy() {
		t.Fatalf("got %d×%d, want %v", m.W, m.H, b)
	}
	limit := toleranceOf(filepath.Base(path))
	most, part := difference(t, values(t, m), stdValues(want, m.Depth, m.Alpha))
	if most > limit.most || part > limit.part {
		t.Errorf("%.1f%% of the values differ, by up to %d; allowed are %.1f%% and %d",
			100*part, most, 100*limit.part, limit.most)
	}
	if wantFormat, _ := FormatOf(path); m.Format != wantFormat {
		t.Errorf("read as %v", m.Format)
	}
}
