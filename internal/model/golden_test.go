package model

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/autograd"
	"clusir/internal/checkpoint"
	"clusir/internal/kernels"
	"clusir/internal/kernels/cpu"
	"clusir/internal/kernels/ref"
	"clusir/internal/sharedtest"
)

// goldenBackend is a device that must reproduce the golden vectors.
type goldenBackend struct {
	name string
	open func(t *testing.T) kernels.Backend
}

var goldenBackends = []goldenBackend{
	{"ref", func(*testing.T) kernels.Backend { return ref.New() }},
	{"cpu", func(t *testing.T) kernels.Backend {
		b, err := cpu.New(cpu.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}},
}

// Relative tolerances. PyTorch in float32 deviates from its own float64 by 5e-7
// (output), 7e-4 (worst gradient), 1.3e-6 (losses) and 7e-3 (worst update).
const (
	tolModule   = 1e-4
	tolOutput   = 1e-5 // of output − input
	tolLoss     = 1e-5
	tolGrad     = 2e-3
	tolBuffer   = 1e-4
	tolUpdate   = 2e-2
	absGrad     = 1e-8
	minGradNorm = 1e-4 // below it, Adam's steps are noise
)

// TestGolden compares the network with float64 vectors from the PyTorch reference:
// every module's result, the loss, every gradient and five steps of Adam. It covers
// testdata, the golden folder of the shared data, and the files and folders listed in
// the environment variable CLUSIR_GOLDEN.
func TestGolden(t *testing.T) {
	t.Run("testdata", func(t *testing.T) { goldenIn(t, "testdata") })
	t.Run("shared", func(t *testing.T) { goldenIn(t, sharedtest.Shared(t, "golden")) })
	for _, path := range filepath.SplitList(os.Getenv("CLUSIR_GOLDEN")) {
		t.Run(filepath.Base(path), func(t *testing.T) { goldenIn(t, path) })
	}
}

// goldenIn runs the golden file at path, or every golden file in that folder.
func goldenIn(t *testing.T, path string) {
	files := []string{path}
	if info, err := os.Stat(path); err != nil {
		t.Fatal(err)
	} else if info.IsDir() {
		files, _ = filepath.Glob(filepath.Join(path, "*.safetensors"))
	}
	if len(files) == 0 {
		t.Fatalf("%s holds no golden vectors", path)
	}
	for _, file := range files {
		for _, b := range goldenBackends {
			name := strings.TrimSuffix(filepath.Base(file), ".safetensors")
			t.Run(name+"/"+b.name, func(t *testing.T) { newGoldenRun(t, file, b.open(t)).all() })
		}
	}
}

// goldenRun is one file on one backend.
type goldenRun struct {
	t    *testing.T
	b    kernels.Backend
	f    *checkpoint.File
	m    *ClusIR
	errs map[string][]relativeError // by category
}

type relativeError struct {
	value float64
	name  string
}

func newGoldenRun(t *testing.T, path string, b kernels.Backend) *goldenRun {
	f, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close(); b.Close() })
	c, err := ReadConfig(f)
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(c, b)
	if err != nil {
		t.Fatal(err)
	}
	g := &goldenRun{t: t, b: b, f: f, m: m, errs: map[string][]relativeError{}}
	for _, p := range m.Tensors() {
		b.Upload(p.Tensor, g.read("model."+p.Name, p.Shape...))
	}
	g.sameNames()
	return g
}

func (g *goldenRun) all() {
	g.inference()
	g.training()
	for _, category := range []string{"module", "output", "loss", "grad", "buffer", "update", "moved"} {
		errs := g.errs[category]
		if len(errs) == 0 {
			continue
		}
		slices.SortFunc(errs, func(a, b relativeError) int { return cmp.Compare(a.value, b.value) })
		worst := errs[len(errs)-1]
		g.t.Logf("%-6s %4d compared, median %.1e, worst %.1e in %s", category, len(errs), errs[len(errs)/2].value, worst.value, worst.name)
	}
}

// read returns a tensor of the file and checks its shape if one is given.
func (g *goldenRun) read(name string, shape ...int) []float32 {
	g.t.Helper()
	x, err := g.f.Tensor(name)
	if err != nil {
		g.t.Fatal(err)
	}
	if len(shape) > 0 && !slices.Equal(x.Shape(), shape) {
		g.t.Fatalf("%s is %v in the file, %v in the model", name, x.Shape(), shape)
	}
	return x.Data()
}

// input uploads a tensor of the file.
func (g *goldenRun) input(name string, needs bool) *Var {
	x, err := g.f.Tensor(name)
	if err != nil {
		g.t.Fatal(err)
	}
	return leafOf(g.b, x.Data(), needs, x.Shape()...)
}

func (g *goldenRun) download(v kernels.Tensor) []float32 { return autograd.Fetch(g.b, v) }

// sameNames verifies that the file has no parameter that the model lacks.
func (g *goldenRun) sameNames() {
	have := map[string]bool{}
	for _, p := range g.m.Tensors() {
		have["model."+p.Name] = true
	}
	for _, name := range g.f.Names() {
		if strings.HasPrefix(name, "model.") && !have[name] {
			g.t.Errorf("the model has no %s", name)
		}
	}
}

// check requires ‖got − want‖ ≤ tol·‖want‖ + abs and records the error.
func (g *goldenRun) check(category, name string, got, want []float32, tol, abs float64) {
	g.t.Helper()
	if len(got) != len(want) {
		g.t.Errorf("%s %s: %d elements, want %d", category, name, len(got), len(want))
		return
	}
	d, n := norm(difference(got, want)), norm(want)
	if !(d <= tol*n+abs) {
		g.t.Errorf("%s %s: ‖difference‖ %.2e, ‖reference‖ %.2e, ratio %.1e > %.0e", category, name, d, n, d/n, tol)
	}
	if n > 100*abs { // the relative error of a vanishing gradient means nothing
		g.errs[category] = append(g.errs[category], relativeError{d / n, name})
	}
}

func difference(a, b []float32) []float32 {
	d := make([]float32, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d
}

func norm(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// goldenNoise is the noise recorded in the file.
type goldenNoise struct{ g *goldenRun }

func (n goldenNoise) Epsilon(stage, B, N, D int) []float32 {
	return n.g.read(fmt.Sprint("in.eps", stage+1), B, N, D)
}
