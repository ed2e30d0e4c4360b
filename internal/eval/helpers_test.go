package eval

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"clusir/internal/dataset"
	"clusir/internal/imageio"
	"clusir/internal/infer"
	"clusir/internal/kernels/cpu"
)

// openNano loads the embedded model n times, each with the given number of threads.
func openNano(t testing.TB, n, threads int) (nets []*infer.Network) {
	t.Helper()
	for range n {
		b, err := cpu.New(cpu.Options{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		net, err := infer.Load(infer.Source{Model: "nano"}, b)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			net.Close()
			b.Close()
		})
		nets = append(nets, net)
	}
	return nets
}

// wave writes a picture of waves, with rain if streaks is set.
func wave(t testing.TB, path string, w, h, phase int, streaks bool) {
	t.Helper()
	info := imageio.Info{Format: imageio.PNG, W: w, H: h, Depth: 8}
	rgb := make([]float32, 3*w*h)
	for i := range rgb {
		c, y, x := i/(w*h), i/w%h, i%w
		v := 0.5 + 0.3*math.Sin(float64(x+phase)/float64(5+c)) + 0.2*math.Cos(float64(y*(c+1)+phase)/9)
		if streaks && (x+y/3)%11 == 0 {
			v += 0.3
		}
		rgb[i] = float32(min(v, 1))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	err := imageio.WriteFile(path, info, imageio.Options{}, func(out *imageio.Writer) error { return out.Rows(rgb, nil) })
	if err != nil {
		t.Fatal(err)
	}
}

// makeData makes three clean pictures and two rainy ones: eleven images.
func makeData(t testing.TB) (root string, benchmarks []*dataset.Benchmark) {
	t.Helper()
	root = t.TempDir()
	for i, size := range [][2]int{{40, 33}, {64, 48}, {33, 65}} {
		wave(t, filepath.Join(root, fmt.Sprintf("test/denoise/bsd68/%d.png", i)), size[0], size[1], i, false)
	}
	for i := range 2 {
		wave(t, filepath.Join(root, fmt.Sprintf("test/derain/Rain100L/input/rain-%d.png", i)), 48, 32, i, true)
		wave(t, filepath.Join(root, fmt.Sprintf("test/derain/Rain100L/target/norain-%d.png", i)), 48, 32, i, false)
	}
	benchmarks, err := dataset.Standard().Resolve("three-task")
	if err != nil {
		t.Fatal(err)
	}
	return root, benchmarks
}

// options returns the options of a run over synthetic data.
func options(t testing.TB) Options {
	root, benchmarks := makeData(t)
	return Options{Root: root, Benchmarks: benchmarks, Protocol: Protocol{Name: "promptir"}, Subject: Subject{Model: "nano", Weights: "w"}}
}

func mustRun(t testing.TB, nets []*infer.Network, o Options) *Report {
	t.Helper()
	r, err := Run(context.Background(), nets, o)
	if err != nil {
		t.Fatal(err)
	}
	return untimed(r)
}

// untimed removes what differs from run to run.
func untimed(r *Report) *Report {
	for i := range r.Images {
		r.Images[i].MS = 0
	}
	r.Device = ""
	return r
}
