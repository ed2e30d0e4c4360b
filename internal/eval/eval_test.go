package eval

import (
	"bytes"
	"image"
	"image/png"

	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"clusir/internal/dataset"
	"clusir/internal/infer"
	"clusir/internal/metrics"
	"clusir/internal/planar"
)

func TestRun(t *testing.T) {
	o := options(t)
	pixels := 0
	o.Pixels = func(r ImageResult, in, out, clean planar.Image) {
		pixels++
		if got := metrics.PSNR(out, clean); got != r.Output.PSNR || metrics.PSNR(in, clean) != r.Input.PSNR {
			t.Errorf("%s: the pixels give %g dB, the result is %g", r.name(), got, r.Output.PSNR)
		}
	}
	done := 0
	o.Progress = func(r *ImageResult, n, of int) {
		if r == nil {
			return
		}
		if done++; n != done || of != 11 {
			t.Errorf("image %d of %d is reported as number %d", n, of, done)
		}
	}
	r := mustRun(t, openNano(t, 1, 2), o)
	if pixels != 11 || done != 11 || len(r.Images) != 11 || len(r.Splits) != 4 {
		t.Fatalf("%d pixels, %d reported, %d images, %d splits", pixels, done, len(r.Images), len(r.Splits))
	}
	for i, want := range []struct {
		key, count string
		input      float64 // the PSNR of noise of this level
	}{{"rain100l", "2 of 100", 0}, {"cbsd68-15", "3 of 68", 24.8}, {"cbsd68-25", "3 of 68", 20.5}, {"cbsd68-50", "3 of 68", 14.9}} {
		s := r.Splits[i]
		if s.Key != want.key || s.Count() != want.count {
			t.Errorf("split %d is %s, %s; want %s, %s", i, s.Key, s.Count(), want.key, want.count)
		}
		if want.input > 0 && math.Abs(s.Input.PSNR-want.input) > 0.6 {
			t.Errorf("%s: the input has %.2f dB, want about %.1f", s.Key, s.Input.PSNR, want.input)
		}
		if s.Output.PSNR < s.Input.PSNR+1 {
			t.Errorf("%s: %.2f dB in and %.2f out: nano does not restore", s.Key, s.Input.PSNR, s.Output.PSNR)
		}
	}
	if len(r.Missing) != 1 || !strings.Contains(r.Missing[0], "sots") || !strings.Contains(r.Missing[0], "RESIDE") {
		t.Errorf("missing: %q, want SOTS and where it comes from", r.Missing)
	}
	if r.Images[0].W != 48 || r.Images[2].W != 32 || r.Images[2].H != 32 {
		t.Errorf("images are %+v, want them cut to multiples of 16", r.Images)
	}
	for _, stage := range r.Images[0].Experts {
		sum := 0.0
		for _, w := range stage {
			sum += float64(w)
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Errorf("the experts' weights add up to %g", sum)
		}
	}
}

// TestDeterministic: runs with different numbers of threads and parallel images give
// the same bits, and another seed gives different ones.
func TestDeterministic(t *testing.T) {
	o := options(t)
	want := mustRun(t, openNano(t, 1, 1), o)
	for _, c := range []struct{ jobs, threads int }{{1, 2}, {1, 5}, {3, 1}, {2, 2}} {
		if got := mustRun(t, openNano(t, c.jobs, c.threads), o); !reflect.DeepEqual(got, want) {
			t.Errorf("%d images at a time, each on %d threads: %+v, want %+v", c.jobs, c.threads, got, want)
		}
	}
	o.Protocol.Seed = 1
	got := mustRun(t, openNano(t, 1, 2), o)
	if got.Splits[0].Output != want.Splits[0].Output {
		t.Error("the seed of the noise changes rain")
	}
	if got.Splits[1].Output == want.Splits[1].Output {
		t.Error("the seed does not change the noise")
	}
}

func TestProtocols(t *testing.T) {
	o := options(t)
	nets := openNano(t, 1, 2)
	plain := mustRun(t, nets, o).Splits[0].Output
	o.Protocol = Protocol{Name: "gaussian"}
	gaussian := mustRun(t, nets, o).Splits[0].Output
	o.Protocol = Protocol{Name: "promptir", YChannel: true}
	luma := mustRun(t, nets, o).Splits[0].Output
	if gaussian.PSNR != plain.PSNR || gaussian.SSIM == plain.SSIM {
		t.Errorf("gaussian is %v, promptir %v: only SSIM should differ", gaussian, plain)
	}
	if luma == plain {
		t.Error("luma measures like RGB")
	}
	o.Protocol.Name = "matlab"
	if _, err := Run(context.Background(), nets, o); err == nil {
		t.Error("an unknown protocol is accepted")
	}
}

// TestFailuresAreRows damages one image and makes another one too small.
func TestFailuresAreRows(t *testing.T) {
	o := options(t)
	if err := os.WriteFile(filepath.Join(o.Root, "test/derain/Rain100L/input/rain-1.png"), []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	wave(t, filepath.Join(o.Root, "test/denoise/bsd68/9.png"), 12, 64, 0, false)
	r := mustRun(t, openNano(t, 2, 1), o)
	if s := r.Splits[0]; s.Images != 1 || s.Failed != 1 || s.Output.PSNR != r.Images[0].Output.PSNR {
		t.Errorf("rain: %+v", s)
	}
	if s := r.Splits[1]; s.Images != 3 || s.Failed != 1 {
		t.Errorf("noise: %+v", s)
	}
	err := r.Failed()
	for _, want := range []string{"4 of 14 images", "rain100l rain-1", "rain-1.png", "replace or remove the file"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one that says %q", err, want)
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	o := options(t)
	o.MaxMemory = 1 << 20
	r := mustRun(t, openNano(t, 1, 1), o)
	if err := r.Failed(); err == nil || !strings.Contains(err.Error(), "--max-memory") || !strings.Contains(err.Error(), "11 of 11") {
		t.Errorf("with a megabyte: %v", err)
	}
	// Enough for the largest image, but not for two.
	nets := openNano(t, 3, 1)
	o.MaxMemory = infer.ProgramBytes
	for _, n := range nets {
		for _, p := range n.Model.Tensors() {
			o.MaxMemory += 4 * int64(p.Len())
		}
	}
	pass, images, err := network{nets[0]}.need(job{}, 48, 64)
	if err != nil {
		t.Fatal(err)
	}
	o.MaxMemory += pass + images
	if r := mustRun(t, nets, o); r.Failed() != nil {
		t.Error(r.Failed())
	}
	o.MaxMemory--
	if r := mustRun(t, nets, o); r.Splits[1].Failed != 1 {
		t.Errorf("with a byte less, %d images fail, want 1", r.Splits[1].Failed)
	}
}

// TestLimitBeforeDecoding: a picture too large for the limit is refused by its header.
// The file ends after the header, so that decoding it would give a different error.
func TestLimitBeforeDecoding(t *testing.T) {
	var data bytes.Buffer
	if err := png.Encode(&data, image.NewGray(image.Rect(0, 0, 3000, 2000))); err != nil {
		t.Fatal(err)
	}
	o := options(t)
	o.Root = t.TempDir()
	if err := os.WriteFile(filepath.Join(o.Root, "large.png"), data.Bytes()[:60], 0o644); err != nil {
		t.Fatal(err)
	}
	o.Benchmarks = []*dataset.Benchmark{{Name: "own", Clean: []string{"."}, Sigmas: []float64{25}}}
	o.MaxMemory = 100 << 20
	r := mustRun(t, openNano(t, 1, 1), o)
	if err := r.Failed(); err == nil || !strings.Contains(err.Error(), "measuring 2992×2000 pixels takes about") {
		t.Errorf("got %v", err)
	}
}

func TestNothingToMeasure(t *testing.T) {
	o := options(t)
	o.Root = t.TempDir()
	_, err := Run(context.Background(), nil, o)
	for _, want := range []string{"nothing to measure", "sots", "rain100l", "cbsd68", "DATASETS.md"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one that says %q", err, want)
		}
	}
}

func TestCancel(t *testing.T) {
	o := options(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	stop := errors.New("enough")
	o.Progress = func(_ *ImageResult, n, _ int) {
		if n == 3 {
			cancel(stop)
		}
	}
	if _, err := Run(ctx, openNano(t, 2, 1), o); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	c := &crew{stream: &stream{done: map[int]ImageResult{0: {}}}}
	if left := c.left(ctx, make([]job, 1)); len(left) != 1 {
		t.Error("images of a resumed run that are not looked at any more count as done")
	}
}

// TestPanicPasses: a panic of a callback on a worker is re-raised by Run, so that the
// command can report it.
func TestPanicPasses(t *testing.T) {
	o := options(t)
	o.Pixels = func(ImageResult, planar.Image, planar.Image, planar.Image) { panic("bug") }
	defer func() {
		if p := recover(); p != "bug" {
			t.Errorf("recovered %v", p)
		}
	}()
	_, _ = Run(context.Background(), openNano(t, 2, 1), o)
}

func TestNotANumber(t *testing.T) {
	o := options(t)
	nets := openNano(t, 1, 1)
	for _, p := range nets[0].Model.Params {
		if p.Name == "head.weight" {
			w := make([]float32, p.Len())
			w[0] = float32(math.NaN())
			nets[0].Tape().B.Upload(p.Tensor, w)
		}
	}
	if err := mustRun(t, nets, o).Failed(); err == nil || !strings.Contains(err.Error(), "diverged") {
		t.Errorf("got %v", err)
	}
}

func TestKeys(t *testing.T) {
	for want, s := range map[string]*dataset.Split{
		"cbsd68-15": {Benchmark: &dataset.Benchmark{Name: "cbsd68"}, Label: "σ=15", Sigma: 15},
		"clean-0":   {Benchmark: &dataset.Benchmark{Name: "clean", Sigmas: []float64{0}}, Label: "σ=0"},
		"sots":      {Benchmark: &dataset.Benchmark{Name: "sots"}},
		"l+h+r":     {Benchmark: &dataset.Benchmark{Name: "cdd11"}, Label: "low_haze_rain"},
	} {
		if got := key(s); got != want {
			t.Errorf("key is %q, want %q", got, want)
		}
	}
}
