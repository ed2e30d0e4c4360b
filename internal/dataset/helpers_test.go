package dataset

import (
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeImages writes an image of w×h random pixels to each of the paths below root. The
// pixels depend on the path, so that no two are equal.
func writeImages(t testing.TB, root string, w, h int, paths ...string) {
	t.Helper()
	for _, p := range paths {
		rng := newRand(hashString(p))
		m := image.NewNRGBA(image.Rect(0, 0, w, h))
		for y := range h {
			for x := range w {
				m.SetNRGBA(x, y, randomColour(rng))
			}
		}
		writeImage(t, filepath.Join(root, filepath.FromSlash(p)), m)
	}
}

func randomColour(rng *rand.Rand) color.NRGBA {
	return color.NRGBA{uint8(rng.IntN(256)), uint8(rng.IntN(256)), uint8(rng.IntN(256)), 255}
}

func writeImage(t testing.TB, path string, m image.Image) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if strings.HasSuffix(path, ".jpg") {
		err = jpeg.Encode(f, m, nil)
	} else {
		err = png.Encode(f, m)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// damage corrupts an image's pixels but not its header.
func damage(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 0xff
	writeText(t, path, string(data))
}

// options returns options for training on tasks below root with small patches.
func options(root string, tasks ...Task) Options {
	return Options{Root: root, Tasks: tasks, Patch: 32, Seed: 1, Cache: 1 << 24}
}

func open(t testing.TB, o Options) (*Set, *Report) {
	t.Helper()
	s, r, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}
