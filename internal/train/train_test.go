package train

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/checkpoint"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/eval"
	"clusir/internal/kernels/cpu"
	"clusir/internal/model"
)

// photographs makes a data folder with a few pictures.
func photographs(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "Train", "Denoise")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"a.png", "b.png", "c.png"} {
		m := image.NewRGBA(image.Rect(0, 0, 40+8*i, 48))
		for y := range 48 {
			for x := range m.Rect.Dx() {
				m.Set(x, y, color.RGBA{uint8(5 * x), uint8(4*y + 20*i), uint8(x * y), 255})
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// small is a run of a few steps of the smallest network.
func small(root string) *config.Config {
	c := config.Default()
	c.Data = root
	c.Model = config.Model{Variant: "nano", Config: arch.Variants()["nano"]}
	c.Model.Dim, c.Model.FSBGroups, c.Model.Heads, c.Model.RefineBlocks = 4, 4, []int{1, 1, 1, 1}, 1
	c.Tasks = []dataset.Task{{Kind: "denoise", Repeat: 1, Sigmas: []float64{15, 50}}}
	c.Train.Steps, c.Train.Batch, c.Train.Accumulate, c.Train.Patch = 6, 4, 2, 32
	c.Train.LR, c.Train.Schedule, c.Train.Warmup = 1e-3, "cosine", 2
	c.Train.EMA, c.Train.GradClip, c.Train.BalanceWeight = 0.5, 1, 0.01
	c.Train.LogInterval, c.Train.CheckpointInterval, c.Train.ValidationInterval = 1, 2, 3
	return &c
}

func runIn(ctx context.Context, t *testing.T, o Options, threads int) (*Result, error) {
	t.Helper()
	b, err := cpu.New(cpu.Options{Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	o.Backend, o.Device, o.Messages = b, "cpu "+b.ISA(), io.Discard
	res, err := Run(ctx, o)
	if used := b.Used(); used != 0 {
		t.Errorf("%d bytes are left behind", used)
	}
	return res, err
}

func bytesOf(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestLearns: the loss falls, and the best checkpoint is the one that was validated.
func TestLearns(t *testing.T) {
	root, dir := photographs(t), t.TempDir()
	c := small(root)
	c.Train.Steps, c.Train.EMA, c.Train.ValidationInterval, c.Train.LR = 60, 0, 20, 3e-3
	values := []float64{25, 30, 32, 31}
	validate := func(context.Context, *model.ClusIR) (*eval.Validation, error) {
		v := values[0]
		values = values[1:]
		return &eval.Validation{Measures: []eval.Measure{{Name: "toy", Value: v}}}, nil
	}
	if _, err := runIn(t.Context(), t, Options{Config: c, Out: dir, Validate: validate}, 2); err != nil {
		t.Fatal(err)
	}
	entries, err := ReadLog(filepath.Join(dir, logName))
	if err != nil {
		t.Fatal(err)
	}
	first, last, n := 0.0, 0.0, 0
	for _, e := range entries {
		if e.Terms == nil {
			n++
			continue
		}
		if e.Step <= 10 {
			first += e.L1
		}
		if e.Step > 50 {
			last += e.L1
		}
	}
	if n != 4 || last > 0.93*first {
		t.Errorf("%d validations; mean |error| went from %.4f to %.4f", n, first/10, last/10)
	}
	f, err := checkpoint.Open(filepath.Join(dir, bestName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if step, err := f.Step(); step != 40 || err != nil {
		t.Errorf("the best checkpoint is of step %d, %v; want 40", step, err)
	}
}

// TestBestNotWritten: a validation whose weights, the averaged ones, could not be written
// stays due.
func TestBestNotWritten(t *testing.T) {
	dir, c, calls := t.TempDir(), small(photographs(t)), 0
	c.Train.Steps = 3
	best := filepath.Join(dir, bestName)
	validate := func(context.Context, *model.ClusIR) (*eval.Validation, error) {
		var err error
		if calls++; calls == 2 {
			err = errors.Join(os.Remove(best), os.Mkdir(best, 0o755))
		}
		return &eval.Validation{Measures: []eval.Measure{{Name: "toy", Value: float64(30 + min(calls, 2))}}}, err
	}
	o := Options{Config: c, Out: dir, Validate: validate}
	if _, err := runIn(t.Context(), t, o, 1); err == nil || !strings.Contains(err.Error(), bestName+": it is a folder") {
		t.Fatalf("a folder in the place of the best weights: %v", err)
	}
	if err := os.Remove(best); err != nil {
		t.Fatal(err)
	}
	o.Resume = true
	if _, err := runIn(t.Context(), t, o, 1); err != nil || calls != 3 {
		t.Fatalf("%d validations, want 3; %v", calls, err)
	}
	f, err := checkpoint.Open(best)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if step, err := f.Step(); step != 3 || err != nil {
		t.Errorf("the best weights are of step %d, %v; want 3", step, err)
	}
	kept, err := f.Tensor("stem.weight")
	average, err2 := openLast(t, dir).Tensor(checkpoint.PrefixEMA + "stem.weight")
	if err := errors.Join(err, err2); err != nil || !slices.Equal(kept.Data(), average.Data()) {
		t.Errorf("the best weights are not the average; %v", err)
	}
}

func TestRefusals(t *testing.T) {
	root, done := photographs(t), t.TempDir()
	c := small(root)
	c.Train.Steps = 1
	if _, err := runIn(t.Context(), t, Options{Config: c, Out: done}, 1); err != nil {
		t.Fatal(err)
	}
	weights, err := checkpoint.Open(filepath.Join(done, lastName))
	if err != nil {
		t.Fatal(err)
	}
	defer weights.Close()
	other := func(change func(*config.Config)) *config.Config {
		c := small(root)
		change(c)
		return c
	}
	for _, r := range []struct {
		name string
		o    Options
		want string
	}{
		{"a run is there", Options{Config: c, Out: done}, "--resume"},
		{"nothing to resume", Options{Config: c, Out: t.TempDir(), Resume: true}, "nothing to resume"},
		{"a file for a folder", Options{Config: c, Out: filepath.Join(done, lastName)}, lastName + " is a file, but a folder is needed: choose another one with --out"},
		{"a folder below a file", Options{Config: c, Out: filepath.Join(done, lastName, "x")}, "not a directory: choose another folder with --out"},
		{"resume and init", Options{Config: c, Out: done, Resume: true, InitFrom: weights}, "cannot be used together"},
		{"another network's weights", Options{Config: other(func(c *config.Config) { c.Model.Dim = 8 }), Out: t.TempDir(), InitFrom: weights}, lastName + " does not fit"},
		{"another network", Options{Config: other(func(c *config.Config) { c.Model.RefineBlocks = 2 }), Out: done, Resume: true}, "another network"},
		{"no data", Options{Config: other(func(c *config.Config) { c.Data = "" }), Out: t.TempDir()}, "--data"},
		{"single samples", Options{Config: other(func(c *config.Config) { c.Train.Accumulate = 4 }), Out: t.TempDir()}, "BatchNorm"},
		{"no network", Options{Config: other(func(c *config.Config) { c.Model.Dim = 5 }), Out: t.TempDir()}, "dim: 5 is not a multiple of 4"},
	} {
		t.Run(r.name, func(t *testing.T) {
			if _, err := runIn(t.Context(), t, r.o, 1); err == nil || !strings.Contains(err.Error(), r.want) {
				t.Errorf("error %v; want one with %q", err, r.want)
			}
		})
	}
}

// TestDiverges: values that are not finite stop the run, with an error that names the
// samples.
func TestDiverges(t *testing.T) {
	for _, c := range []struct {
		name  string
		lr    float64
		steps int
		want  string
	}{
		{"the loss of a step", 1e30, 20, "loss is not finite"},
		{"the weights after the last step", 1e39, 1, "state is not finite"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, o := t.TempDir(), small(photographs(t))
			o.Train.LR, o.Train.GradClip, o.Train.Warmup, o.Train.Steps, o.Train.Schedule = c.lr, 0, 0, c.steps, "constant"
			o.Train.CheckpointInterval = 100
			_, err := runIn(t.Context(), t, Options{Config: o, Out: dir}, 1)
			if err == nil {
				t.Fatalf("a learning rate of %g is accepted", c.lr)
			}
			for _, want := range []string{c.want, "step ", ".png", "train.lr", "no checkpoint yet"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q: %v", want, err)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, lastName)); err == nil {
				t.Error("a checkpoint that is not finite was written")
			}
		})
	}
}

func TestNotFinite(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		state := []checkpoint.Tensor{checkpoint.New("a", []int{1}, []float32{math.MaxFloat32}), checkpoint.New("b", []int{2}, []float32{0, float32(x)})}
		if got := notFinite(state); got != "b" || notFinite(state[:1]) != "" {
			t.Errorf("of %g: %q", x, got)
		}
	}
}

// sinceFirst is a validation that calls f, except for the one before the first step.
func sinceFirst(f func() error) func(context.Context, *model.ClusIR) (*eval.Validation, error) {
	calls := 0
	return func(context.Context, *model.ClusIR) (*eval.Validation, error) {
		if calls++; calls == 1 {
			return &eval.Validation{}, nil
		}
		return &eval.Validation{}, f()
	}
}

// TestDamagedImage: a run that meets a damaged image saves its state.
func TestDamagedImage(t *testing.T) {
	root, dir := photographs(t), t.TempDir()
	damage := sinceFirst(func() error {
		for _, name := range []string{"a.png", "b.png", "c.png"} {
			if err := os.Truncate(filepath.Join(root, "Train", "Denoise", name), 60); err != nil {
				return err
			}
		}
		return nil
	})
	c := small(root)
	c.Train.Steps, c.Train.CacheMB, c.Train.CheckpointInterval = 100, 0, 100
	_, err := runIn(t.Context(), t, Options{Config: c, Out: dir, Validate: damage}, 1)
	if err == nil || !strings.Contains(err.Error(), ".png") || !strings.Contains(err.Error(), "is saved, continue with --resume") {
		t.Fatalf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, lastName)); err != nil {
		t.Error(err)
	}
}

// TestFailedValidation: a run whose validation fails saves its state, and the resumed
// run makes up for the validation.
func TestFailedValidation(t *testing.T) {
	root, dir := photographs(t), t.TempDir()
	c := every(root)
	c.Train.ValidationInterval = 2
	fail := sinceFirst(func() error { return errors.New("x.png: damaged") })
	_, err := runIn(t.Context(), t, Options{Config: c, Out: dir, Validate: fail}, 1)
	if err == nil || !strings.Contains(err.Error(), "validation after step 2: x.png: damaged; step 2 is saved, continue with --resume") {
		t.Fatalf("error %v", err)
	}
	calls := 0
	if _, err := runIn(t.Context(), t, Options{Config: c, Out: dir, Resume: true, Validate: toyValue(&calls)}, 1); err != nil || calls != 3 {
		t.Errorf("resumed: %d validations, want those after steps 2, 4 and 6; %v", calls, err)
	}
}

// TestExport: exports have the averaged weights, without the optimiser's state.
func TestExport(t *testing.T) {
	root, dir := photographs(t), t.TempDir()
	if _, err := runIn(t.Context(), t, Options{Config: small(root), Out: dir}, 1); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.safetensors")
	last := openLast(t, dir)
	shape, err := model.ReadConfig(last)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Export(last, shape, Exported{Out: out, Half: true, Metadata: map[string]string{"name": "toy"}}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a.onnx": "call it a.safetensors", "b.pth": "not .pth", "c.PT": "not .PT"} {
		if _, err := Export(last, shape, Exported{Out: name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	for _, name := range []string{"x", "v1.2", "Y.SafeTensors"} {
		if _, err := Export(last, shape, Exported{Out: filepath.Join(dir, name)}); err != nil {
			t.Error(err)
		}
	}
	f, err := checkpoint.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const name = "stem.weight"
	got, err := f.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	want, err := last.Tensor(checkpoint.PrefixEMA + name)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range want.Data() {
		if d := got.Data()[i] - x; d > 1e-3 || d < -1e-3 {
			t.Fatalf("%s[%d] is %g, its average %g", name, i, got.Data()[i], x)
		}
	}
	// The checkpoint itself can be used like its export.
	b, err := cpu.New(cpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c, err := model.ReadConfig(last)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Load(last, c, b)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	for _, s := range m.State() {
		if s.Name == name && !slices.Equal(s.Data(), want.Data()) {
			t.Errorf("the network's %s is not the average", name)
		}
	}
	if f.Metadata["name"] != "toy" || f.Has(checkpoint.PrefixM+name) {
		t.Errorf("metadata %v, names %d", f.Metadata, len(f.Names()))
	}
}

// TestWarmStart: a run of no steps holds the weights it started from, the averaged
// ones, and restarts their average.
func TestWarmStart(t *testing.T) {
	root, first, second := photographs(t), t.TempDir(), t.TempDir()
	if _, err := runIn(t.Context(), t, Options{Config: small(root), Out: first}, 1); err != nil {
		t.Fatal(err)
	}
	from, err := checkpoint.Open(filepath.Join(first, lastName))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if res, err := runIn(ctx, t, Options{Config: small(root), Out: second, InitFrom: from}, 1); err != nil || res.Step != 0 {
		t.Fatal(res, err)
	}
	to, err := checkpoint.Open(filepath.Join(second, lastName))
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	for got, want := range map[string]string{
		"stem.weight":                        checkpoint.PrefixEMA + "stem.weight",
		checkpoint.PrefixEMA + "stem.weight": checkpoint.PrefixEMA + "stem.weight",
	} {
		a, err := to.Tensor(got)
		b, err2 := from.Tensor(want)
		if err := errors.Join(err, err2); err != nil || !slices.Equal(a.Data(), b.Data()) {
			t.Errorf("%s is not what %s was; %v", got, want, err)
		}
	}
}

// TestGrow: a block that the checkpoint lacks starts as the identity.
func TestGrow(t *testing.T) {
	root, first, second := photographs(t), t.TempDir(), t.TempDir()
	c := small(root)
	c.Train.Steps = 4
	if _, err := runIn(t.Context(), t, Options{Config: c, Out: first}, 1); err != nil {
		t.Fatal(err)
	}
	from := openLast(t, first)
	grown := small(root)
	grown.Model.RefineBlocks = 2
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := runIn(ctx, t, Options{Config: grown, Out: second, InitFrom: from}, 1); err != nil {
		t.Fatal(err)
	}
	to := openLast(t, second)
	for name, zero := range map[string]bool{
		"refine.0.attn.proj.weight": false, "refine.1.attn.proj.weight": true, "refine.1.ffn.project.weight": true, "refine.1.ffn.expand.weight": false,
	} {
		w, err := to.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		if all := !slices.ContainsFunc(w.Data(), func(x float32) bool { return x != 0 }); all != zero {
			t.Errorf("%s is all zeros: %t, want %t", name, all, zero)
		}
	}
}
