package imageio

import (
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
	if worst, part := difference(t, values(t, m), stdValues(want, m.Depth, m.Alpha)); worst > 0 {
		t.Errorf("%.1f%% of the values differ, by up to %d", 100*part, worst)
	}
	if wantFormat, _ := FormatOf(path); m.Format != wantFormat {
		t.Errorf("read as %v", m.Format)
	}
}
