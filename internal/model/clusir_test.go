package model

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/autograd"
	"clusir/internal/checkpoint"
	"clusir/internal/kernels"
	"clusir/internal/kernels/ref"
	"clusir/internal/testnet"
)

// newTestModel returns an initialised network.
func newTestModel(t *testing.T, b kernels.Backend, c arch.Config) *ClusIR {
	t.Helper()
	m, err := New(c, b)
	if err != nil {
		t.Fatal(err)
	}
	m.Init(1)
	return m
}

// stir changes the weights that start at zero, so that every path contributes to the
// result.
func stir(m *ClusIR) *ClusIR {
	for _, p := range m.Params {
		if p.Name == "head.weight" || strings.HasSuffix(p.Name, "conv2.weight") {
			w := make([]float32, p.Len())
			uniform(p.Len()/p.Shape[0])(newNamedStream(9, p.Name), w, p.Shape)
			m.memory.Upload(p.Tensor, w)
		}
	}
	return m
}

func picture(b kernels.Backend, B, H, W int) *Var {
	x := make([]float32, B*3*H*W)
	for i := range x {
		x[i] = float32(0.5 + 0.4*math.Sin(float64(i)*0.37+float64(i/(3*H*W))))
	}
	return leafOf(b, x, false, B, 3, H, W)
}

// ablations are the rows of Table 4.
var ablations = []struct {
	name       string
	moe, dafmm bool
}{{"WTB", false, false}, {"WTB+MoE", true, false}, {"full", true, true}}

// TestStartsAsIdentity: the head starts at zero, so the output is the input, bit for
// bit; and every ablation runs.
func TestStartsAsIdentity(t *testing.T) {
	for _, a := range ablations {
		c := testnet.Small()
		c.UseMoE, c.UseDAFMM = a.moe, a.dafmm
		b := ref.New()
		m := newTestModel(t, b, c)
		image := picture(b, 2, 16, 32)
		tape := &Tape{B: b}
		restored, routes := m.Forward(tape, image, Options{})
		if !slices.Equal(b.Download64(restored.Tensor), b.Download64(image.Tensor)) {
			t.Errorf("%s: the output is not the input", a.name)
		}
		if want := map[bool]int{true: arch.Stages}[a.moe]; len(routes) != want {
			t.Errorf("%s: %d routes, want %d", a.name, len(routes), want)
		}
	}
}

// TestClusters covers Table 5: any number of clusters per stage, including one.
func TestClusters(t *testing.T) {
	for _, n := range [][]int{{1, 1, 1, 1}, {2, 3, 4, 4}, {4, 4, 3, 2}} {
		c := testnet.Small()
		c.Clusters = n
		c.TopClusters = []int{min(2, n[0]), min(2, n[1]), min(2, n[2]), min(2, n[3])}
		b := ref.New()
		m := stir(newTestModel(t, b, c))
		tape := &Tape{B: b}
		_, routes := m.Forward(tape, picture(b, 2, 16, 16), Options{})
		for l, r := range routes {
			if !r.Alpha.Shape.Equal(kernels.Shape{2, n[l]}) || !r.Weights.Shape.Equal(kernels.Shape{2, n[l] * c.Experts}) {
				t.Errorf("%v: stage %d routes by %v and %v", n, l+1, r.Alpha.Shape, r.Weights.Shape)
			}
			sum := 0.0
			for _, w := range b.Download64(r.Weights.Tensor) {
				sum += w
			}
			if math.Abs(sum-2) > 1e-12 {
				t.Errorf("%v: the weights of two samples at stage %d add up to %g", n, l+1, sum)
			}
		}
	}
}

// TestInferenceFreesEverything: after Reset only the parameters are left, and the peak
// is at most 3.6 times the features of the first stage.
func TestInferenceFreesEverything(t *testing.T) {
	for _, a := range ablations {
		c := testnet.Small()
		c.UseMoE, c.UseDAFMM = a.moe, a.dafmm
		b := ref.New()
		m := newTestModel(t, b, c)
		image := picture(b, 1, 32, 16)
		before := b.Live()
		tape := &Tape{B: b}
		m.Forward(tape, image, Options{})
		tape.Reset()
		if b.Live() != before {
			t.Errorf("%s: %d tensors are alive after Reset, %d before", a.name, b.Live(), before)
		}
		image.Free(b)
		m.Free()
		if b.Live() != 0 {
			t.Errorf("%s: %d tensors are alive after Free", a.name, b.Live())
		}
	}
	cost, err := CostOf(arch.Base(), 1, 256, 256)
	if err != nil {
		t.Fatal(err)
	}
	if factor := float64(cost.PeakValues-cost.Params) / (48 * 256 * 256); factor > 3.6 {
		t.Errorf("base holds %.2f times the features of stage 1 at its peak", factor)
	} else {
		t.Logf("base holds %.2f times the features of stage 1 at its peak", factor)
	}
}

// TestGlobals: a pass that is given another pass's globals uses them: the same image
// gives the same result, and neither router nor attention runs.
func TestGlobals(t *testing.T) {
	b := ref.New()
	m := stir(newTestModel(t, b, testnet.Small()))
	image := picture(b, 1, 16, 32)
	tape := &Tape{B: b}
	plain, _ := m.Forward(tape, image, Options{})
	want := b.Download64(plain.Tensor)
	tape.Reset()
	g := &Globals{}
	filling, _ := m.Forward(tape, image, Options{Globals: g})
	if !slices.Equal(b.Download64(filling.Tensor), want) {
		t.Error("filling the globals changes the result")
	}
	tape.Reset()
	macs := tape.MACs
	again, routes := m.Forward(tape, image, Options{Globals: g, Window: Window{H: 16, W: 32}, Probe: func(name string, _ *Var) {
		if strings.Contains(name, "router") {
			t.Errorf("%s ran", name)
		}
	}})
	got := b.Download64(again.Tensor)
	for i, v := range got {
		if math.Abs(v-want[i]) > 1e-6 { // the prompt is resized in a different order
			t.Fatalf("value %d is %g with its own globals, %g without", i, v, want[i])
		}
	}
	if len(routes) != arch.Stages || routes[0] != g.routes[0] {
		t.Error("the pass returns other routes")
	}
	if spent := tape.MACs - macs; spent >= macs/2 {
		t.Errorf("%d multiply-accumulates, of %d with attention", spent, macs/2)
	}
	// Another picture's globals change the result.
	other, _ := m.Forward(tape, picture(b, 1, 32, 32), Options{Globals: g})
	own, _ := m.Forward(tape, picture(b, 1, 32, 32), Options{})
	if slices.Equal(b.Download64(other.Tensor), b.Download64(own.Tensor)) {
		t.Error("globals change nothing")
	}
	g.Free(tape)
}

// TestWindow: the prompts of a picture's windows are parts of the picture's prompt.
func TestWindow(t *testing.T) {
	b := ref.New()
	m := stir(newTestModel(t, b, testnet.Small()))
	p := &pass{Tape: &Tape{B: b}}
	for l, d := range m.dafmm {
		H, W := 96>>l, 160>>l
		mixed := picture(b, 1, 8, 8)
		whole := b.Download64(p.Resize(mixed, H, W).Tensor)
		for _, w := range []Window{{H: 96, W: 160}, {Y: 32, X: 64, H: 96, W: 160}, {Y: 80, X: 144, H: 96, W: 160}} {
			p.Window = w
			h, n := 16>>l, 16>>l
			part := b.Download64(d.pgb.spread(p, mixed, h, n).Tensor)
			for c := range 3 {
				for y := range h {
					for x := range n {
						want := whole[(c*H+w.Y>>l+y)*W+w.X>>l+x]
						if got := part[(c*h+y)*n+x]; math.Abs(got-want) > 1e-6 {
							t.Fatalf("level %d, %+v: %g at %d,%d,%d, want %g", l, w, got, c, y, x, want)
						}
					}
				}
			}
		}
	}
}

// TestPosterior checks Eq. 5 over all clusters, and its bounds for three cosines.
func TestPosterior(t *testing.T) {
	b := ref.New()
	m := stir(newTestModel(t, b, testnet.Small()))
	tape := &Tape{B: b}
	_, routes := m.Forward(tape, picture(b, 2, 16, 16), Options{})
	for l, r := range routes {
		sum := 0.0
		for _, p := range b.Download64(r.Posterior(tape).Tensor) {
			if sum += p; p < 0.06 || p > 0.79 {
				t.Errorf("stage %d: posterior %g", l+1, p)
			}
		}
		if math.Abs(sum-2) > 1e-12 {
			t.Errorf("stage %d: the posteriors of two samples add up to %g", l+1, sum)
		}
	}
}

// TestCheckpoint: a saved network loads unchanged, and a checkpoint of another
// configuration is refused.
func TestCheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	b := ref.New()
	m := stir(newTestModel(t, b, testnet.Small()))
	if err := checkpoint.Write(path, checkpoint.Contents{Tensors: m.State(), Config: m.Config, Step: 7}); err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := ReadConfig(f)
	if err != nil || fmt.Sprint(c) != fmt.Sprint(m.Config) {
		t.Fatalf("configuration %+v, error %v", c, err)
	}
	loaded, err := Load(f, c, b)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range m.State() {
		if l := loaded.State()[i]; l.Name != s.Name || !slices.Equal(l.Data(), s.Data()) {
			t.Errorf("%s does not read back the same: %s", s.Name, l.Name)
		}
	}
	live := b.Live()
	c.Experts = 3
	if _, err := Load(f, c, b); err == nil || !strings.Contains(err.Error(), "moe.0.experts.6.expand.weight") {
		t.Errorf("another configuration: error %v", err)
	}
	c.Dim = 5
	if _, err := Load(f, c, b); err == nil || !strings.Contains(err.Error(), "dim") {
		t.Errorf("an invalid configuration: error %v", err)
	}
	if b.Live() != live {
		t.Error("a failed Load leaks tensors")
	}
}

// TestImageMustFit: a side that is not a multiple of 16 or is too short panics, and the
// panic names the shape.
func TestImageMustFit(t *testing.T) {
	c := testnet.Small()
	c.FSBKernel = 5
	b := autograd.NewShapes()
	m, err := New(c, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range [][]int{{1, 3, 16, 32}, {1, 3, 40, 32}, {1, 1, 32, 32}, {3, 32, 32}} {
		func() {
			defer func() {
				if r := fmt.Sprint(recover()); !strings.Contains(r, fmt.Sprint(s)) {
					t.Errorf("%v: panic %q", s, r)
				}
			}()
			m.Forward(&Tape{B: b}, autograd.Leaf(b.Alloc(s...), false), Options{})
		}()
	}
}
