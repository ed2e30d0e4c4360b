//go:build cuda

package main

import (
	"bytes"
	"image"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/imageio"
)

// needGPU skips a test without a GPU or the software device.
func needGPU(t *testing.T) {
	t.Helper()
	var out bytes.Buffer
	if code := run([]string{"bench", "--devices"}, &out, &out); code != exitOK {
		t.Fatal(out.String())
	}
	if !strings.Contains(out.String(), "cuda:0") {
		t.Skip("no GPU: run scripts/test-cuda.sh, which tests on the software device")
	}
}

// pixels reads a picture.
func pixels(t *testing.T, path string, r image.Rectangle) (imageio.Info, []float32) {
	t.Helper()
	m, err := imageio.Open(path, imageio.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	rgb, err := m.Tile(nil, r)
	if err != nil {
		t.Fatal(err)
	}
	return m.Info, rgb
}

// Restoring on a GPU at float32 makes the picture that the processor makes: no
// value is off by more than the last bit of eight, and hardly any by that.
func TestRestoreOnCUDA(t *testing.T) {
	needGPU(t)
	dir := t.TempDir()
	in := filepath.Join(dir, "in.png")
	r := image.Rect(0, 0, 45, 38)
	info, rgb := pixels(t, "../../testdata/images/chelsea-noisy.png", r.Add(image.Pt(100, 80)))
	info.W, info.H = r.Dx(), r.Dy()
	m := imageio.New(info)
	m.SetTile(r, rgb, nil)
	if err := m.Save(in, info, imageio.Options{}); err != nil {
		t.Fatal(err)
	}
	results := map[string][]float32{}
	for _, device := range []string{"cpu", "cuda:0"} {
		out := filepath.Join(dir, strings.ReplaceAll(device, ":", "")+".png")
		var said bytes.Buffer
		if code := run([]string{"restore", in, out, "--device", device}, &said, &said); code != exitOK {
			t.Fatalf("%s: %s", device, said.String())
		}
		_, results[device] = pixels(t, out, r)
	}
	off, changed := 0, 0
	for i, want := range results["cpu"] {
		d := math.Abs(float64(results["cuda:0"][i] - want))
		if d > 1.01/255 {
			t.Fatalf("value %d is %g, the processor's %g", i, results["cuda:0"][i], want)
		}
		if d > 0 {
			off++
		}
		if want != rgb[i] {
			changed++
		}
	}
	if off*1000 > len(rgb) {
		t.Errorf("%d of %d values differ in the last bit", off, len(rgb))
	}
	if changed*2 < len(rgb) {
		t.Errorf("only %d of %d values were restored at all", changed, len(rgb))
	}
}
