//go:build cuda

package main

import (
	"bytes"
	"image"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/imageio"
	"clusir/internal/infer"
)

// needGPU skips a test if a device is missing: a GPU, or the software device.
func needGPU(t *testing.T, name string) {
	t.Helper()
	var out bytes.Buffer
	if code := run([]string{"bench", "--devices"}, &out, &out); code != exitOK {
		t.Fatal(out.String())
	}
	if !strings.Contains(out.String(), name) {
		t.Skipf("no %s: run scripts/test-cuda.sh, which tests on the software device", name)
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

// Restoring on a GPU at float32 gives the CPU's picture: no value differs by more than
// the last of eight bits, and hardly any by that.
func TestRestoreOnCUDA(t *testing.T) {
	needGPU(t, "cuda:0")
	dir := t.TempDir()
	in := filepath.Join(dir, "in.png")
	r := image.Rect(0, 0, 45, 38)
	info, rgb := pixels(t, "../../testdata/images/chelsea-noisy.png", r.Add(image.Pt(100, 80)))
	info.W, info.H = r.Dx(), r.Dy()
	err := imageio.WriteFile(in, info, imageio.Options{}, func(w *imageio.Writer) error { return w.Rows(rgb, nil) })
	if err != nil {
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

// Training on a GPU rounds to TF32 by default, and says so.
func TestTrainOnCUDAPrecision(t *testing.T) {
	needGPU(t, "cuda:0")
	for _, c := range []struct {
		flags  []string
		device string // the device's name ends with this
		says   bool
	}{
		{nil, " tf32", true},
		{[]string{"--precision", "float32"}, " float32", false},
	} {
		out := t.TempDir()
		var said bytes.Buffer
		if code := run(append(append(smallestRun(t, 1), "--out", out), c.flags...), &said, &said); code != exitOK {
			t.Fatalf("%v: %s", c.flags, said.String())
		}
		if got := strings.Contains(said.String(), "auto means tf32 on a GPU"); got != c.says {
			t.Errorf("%v: said %q", c.flags, said.String())
		}
		d, err := infer.Describe(filepath.Join(out, "last.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(d.Device, c.device) || !strings.Contains(string(d.Recipe), `"precision":"`+strings.TrimSpace(c.device)+`"`) {
			t.Errorf("%v: the checkpoint is of %q, recipe %s", c.flags, d.Device, d.Recipe)
		}
	}
}

// Two devices of one process, with half of each batch and BatchNorm's statistics of the
// whole, have the losses of one device, over 20 steps. One takes the software device
// seconds: with CUDA_QUICK=1, 6 must do.
func TestTrainOnCUDADevices(t *testing.T) {
	t.Setenv("SOFTDEVICE_COUNT", "2")
	needGPU(t, "cuda:1")
	steps := 20
	if os.Getenv("CUDA_QUICK") == "1" {
		steps = 6
	}
	args, one, two := smallestRun(t, steps), t.TempDir(), t.TempDir()
	for out, devices := range map[string]string{one: "cuda:0", two: "cuda:0,cuda:1"} {
		var said bytes.Buffer
		if code := run(append(args, "--out", out, "--device", devices, "--precision", "float32"), &said, &said); code != exitOK {
			t.Fatalf("%s: %s", devices, said.String())
		}
	}
	mustAgree(t, lossesOf(t, one), lossesOf(t, two), steps)
}

// TestTrainByMuonOnCUDA: Muon has the losses of the CPU, over 5 steps.
func TestTrainByMuonOnCUDA(t *testing.T) {
	needGPU(t, "cuda:0")
	args, host, gpu := append(smallestRun(t, 5), "--set", "train.optimizer=muon", "--precision", "float32"), t.TempDir(), t.TempDir()
	for out, device := range map[string]string{host: "cpu", gpu: "cuda:0"} {
		var said bytes.Buffer
		if code := run(append(args, "--out", out, "--device", device), &said, &said); code != exitOK {
			t.Fatalf("%s: %s", device, said.String())
		}
	}
	mustAgree(t, lossesOf(t, host), lossesOf(t, gpu), 5)
}
