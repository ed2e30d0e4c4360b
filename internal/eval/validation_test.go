package eval

import (
	"errors"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/infer/infertest"
	"clusir/internal/planar"
	"clusir/internal/testnet"
)

// TestSideBySide: of large pictures the centre is shown, and values are clamped to
// 0..1.
func TestSideBySide(t *testing.T) {
	const w, h = pictureSide + 4, 3
	plain := func(v float32) planar.Image {
		p := planar.Image{C: 3, H: h, W: w, Pix: make([]float32, 3*w*h)}
		for i := range p.Pix {
			p.Pix[i] = v
		}
		return p
	}
	first := plain(.5)
	first.Pix[w*h+w+2] = 1 // green, second row, the first column that is shown
	m := sideBySide(first, plain(-1), plain(7))
	if size := m.Bounds().Size(); size.X != 3*pictureSide || size.Y != h {
		t.Fatalf("size %v", size)
	}
	for _, c := range []struct {
		x, y int
		want color.RGBA
	}{
		{0, 0, color.RGBA{128, 128, 128, 255}}, {0, 1, color.RGBA{128, 255, 128, 255}},
		{pictureSide, 1, color.RGBA{0, 0, 0, 255}}, {3*pictureSide - 1, 2, color.RGBA{255, 255, 255, 255}},
	} {
		if got := m.At(c.x, c.y); got != c.want {
			t.Errorf("at (%d, %d): %v, want %v", c.x, c.y, got, c.want)
		}
	}
}

// TestKey: a benchmark of the user's own has distinct names for parts of any name, which
// the log of a training run lists; only the paper's are abbreviated.
func TestKey(t *testing.T) {
	for _, c := range []struct {
		name, label, want string
		sigma             float64
		own               bool
	}{
		{"cbsd68", "σ=15", "cbsd68-15", 15, false},
		{"cdd11", "low_haze", "l+h", 0, false},
		{"lol", "", "lol", 0, true},
		{"mine", "sleet", "mine-sleet", 0, true},
		{"mine", "_霾", "mine-_霾", 0, true},
	} {
		b := &dataset.Benchmark{Name: c.name, Own: c.own}
		if got := key(&dataset.Split{Benchmark: b, Label: c.label, Sigma: c.sigma}); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.name, c.label, got, c.want)
		}
	}
}

// TestValidationOfOtherImages: validations of one run are of the same images, or their means
// could not be compared.
func TestValidationOfOtherImages(t *testing.T) {
	root, _ := makeData(t)
	n := infertest.New(t, testnet.Small(), 1)
	c := config.Default()
	c.Data, c.Eval.Benchmarks, c.Train.ValidationInterval = root, dataset.List{{Name: "rain100l"}}, 1
	validate, err := Validator(&c, dataset.Standard(), n.Tape().B, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := validate(t.Context(), n.Model); err != nil || len(v.Measures) != 1 {
		t.Fatalf("%+v, %v", v, err)
	}
	refused := func(want string) {
		t.Helper()
		if _, err := validate(t.Context(), n.Model); err == nil || !strings.Contains(err.Error(), want) {
			t.Error(err)
		}
	}
	folder := filepath.Join(root, "test/derain/Rain100L")
	wave(t, filepath.Join(folder, "input/rain-2.png"), 48, 32, 2, true)
	wave(t, filepath.Join(folder, "target/norain-2.png"), 48, 32, 2, false)
	refused("there are 3 validation images, and at the start there were 2")
	if err := errors.Join(os.Remove(filepath.Join(folder, "input/rain-0.png")), os.Remove(filepath.Join(folder, "input/rain-1.png"))); err != nil {
		t.Fatal(err)
	}
	refused("there are 1 validation images, and at the start there were 2")
}

// TestValidationOfTheUnchanged: an untrained network, which changes nothing, has an infinite
// PSNR on clean pictures, which is no number for a log.
func TestValidationOfTheUnchanged(t *testing.T) {
	root, _ := makeData(t)
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, []byte("same: {task: clean, clean: test/denoise/bsd68, sigmas: [0]}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	n := infertest.New(t, testnet.Small(), 1)
	n.Model.Init(1)
	c := config.Default()
	c.Data, c.Eval.Benchmarks, c.Train.ValidationInterval = root, dataset.List{{Name: "rain100l"}, {Name: "same"}}, 1
	catalog, err := Catalog(&c, file)
	if err != nil {
		t.Fatal(err)
	}
	validate, err := Validator(&c, catalog, n.Tape().B, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	v, err := validate(t.Context(), n.Model)
	if err != nil || len(v.Measures) != 1 || v.Measures[0].Name != "rain100l" || !slices.Equal(v.Infinite, []string{"same-0"}) {
		t.Errorf("%+v, %v", v, err)
	}
}
