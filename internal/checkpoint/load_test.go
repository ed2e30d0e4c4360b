package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"clusir/internal/sharedtest"
)

func TestLoadNamesEveryFault(t *testing.T) {
	f := parsed(t, encoded(t, sample()))
	_, err := f.Load([]Spec{
		{"stem.weight", []int{2, 3, 3}},
		{"head.bias", []int{5}},
		{"gone.weight", []int{4, 4}},
		{"gone.bias", []int{4}},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"memory does not fit", "in 4 of its tensors",
		"misshapen  stem.weight is [2 3 3 1], not [2 3 3]",
		"missing    gone.weight [4 4]", "missing    gone.bias [4]", "unexpected large",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

func TestLoadPassesOverTrainingState(t *testing.T) {
	c := Contents{Tensors: []Tensor{New("w", []int{2}, []float32{1, 2})}}
	for _, p := range statePrefixes {
		c.Tensors = append(c.Tensors, New(p+"w", []int{2}, []float32{3, 4}))
	}
	f := parsed(t, encoded(t, c))
	weights := []Spec{{"w", []int{2}}}
	if ts, err := f.Load(weights); err != nil || len(ts) != 1 || ts[0].Data()[1] != 2 {
		t.Errorf("weights alone: %v, %v", ts, err)
	}
	ts, err := f.Load(append(weights, Spec{"optim.m.w", []int{2}}))
	if err != nil || ts[1].Name != "optim.m.w" || ts[1].Data()[0] != 3 {
		t.Errorf("with a moment: %v, %v", ts, err)
	}
	if _, err := f.Load(append(weights, Spec{"optim.m.b", []int{2}})); err == nil {
		t.Error("a missing moment is accepted")
	}
}

// TestContents: the weights are counted by type, the most common first, without training
// state.
func TestContents(t *testing.T) {
	f := parsed(t, assemble(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},`+
		`"b":{"dtype":"F32","shape":[],"data_offsets":[4,8]},`+
		`"schema.weight":{"dtype":"F16","shape":[3,1],"data_offsets":[8,14]},`+
		`"optim.m.a":{"dtype":"F32","shape":[],"data_offsets":[14,18]}}`, 18))
	weights, state := f.Contents()
	if want := []Content{{F16, 1, 3}, {F32, 2, 2}}; !slices.Equal(weights, want) || !state {
		t.Errorf("%v, training state %t; want %v and some", weights, state, want)
	}
}

// TestWeights: a network uses the average of its weights if there is one.
func TestWeights(t *testing.T) {
	c := Contents{Tensors: []Tensor{
		New("a", []int{2}, []float32{1, 2}), New(PrefixEMA+"a", []int{2}, []float32{3, 4}), New("b", []int{1}, []float32{5}),
	}}
	want := []Spec{{"a", []int{2}}, {"b", []int{1}}}
	ts, err := parsed(t, encoded(t, c)).Weights(want)
	if err != nil || ts[0].Name != "a" || ts[0].Data()[1] != 4 || ts[1].Name != "b" || ts[1].Data()[0] != 5 {
		t.Errorf("%v, %v", ts, err)
	}
	if _, err := parsed(t, encoded(t, c)).Weights(append(want, Spec{"c", []int{1}})); err == nil {
		t.Error("a missing tensor is accepted")
	}
	c.Tensors[1] = New(PrefixEMA+"a", []int{1}, []float32{3})
	if _, err := parsed(t, encoded(t, c)).Weights(want); err == nil || !strings.Contains(err.Error(), "a is [2], and its average [1]") {
		t.Errorf("a misshapen average: %v", err)
	}
}

// TestNotFinite: weights of a diverged training are refused by name, whatever their
// type; so are values that float32 cannot represent.
func TestNotFinite(t *testing.T) {
	le := binary.LittleEndian
	for _, c := range []struct {
		dtype DType
		value []byte
		says  string
	}{
		{F32, le.AppendUint32(nil, math.Float32bits(float32(math.NaN()))), "NaN"},
		{F32, le.AppendUint32(nil, math.Float32bits(float32(math.Inf(-1)))), "-Inf"},
		{F16, le.AppendUint16(nil, halfInf), "+Inf"},
		{BF16, le.AppendUint16(nil, 0x7fc0), "NaN"},
		{F64, le.AppendUint64(nil, math.Float64bits(1e300)), "+Inf"},
	} {
		size := len(c.value)
		file := assemble(fmt.Sprintf(`{"a.weight":{"dtype":%q,"shape":[3],"data_offsets":[0,%d]}}`, c.dtype, 3*size), 0)
		file = append(append(file, make([]byte, 2*size)...), c.value...)
		_, err := parsed(t, file).Weights([]Spec{{"a.weight", []int{3}}})
		if want := `memory: tensor "a.weight" holds ` + c.says + " at place 2"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", c.dtype, err, want)
		}
	}
}

func TestForeignFile(t *testing.T) {
	f := parsed(t, assemble(`{"__metadata__":{"format":"pt"},`+
		`"bn.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[0,8]},`+
		`"bn.weight":{"dtype":"F16","shape":[1],"data_offsets":[8,10]},`+
		`"scale":{"dtype":"BF16","shape":[],"data_offsets":[10,12]},`+
		`"none":{"dtype":"F32","shape":[0],"data_offsets":[12,12]}}`, 12))
	if _, err := f.Load([]Spec{{"bn.weight", []int{1}}, {"scale", []int{}}}); err == nil || !strings.Contains(err.Error(), "unexpected none") {
		t.Errorf("got %v", err)
	}
	if s, err := f.Tensor("scale"); err != nil || len(s.Shape()) != 0 || len(s.Data()) != 1 {
		t.Errorf("scalar: %v, %v", s, err)
	}
	for name, want := range map[string]string{
		"absent": "no tensor", "none": "is empty", "bn.num_batches_tracked": "is I64: weights must be",
	} {
		if _, err := f.Tensor(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := f.Config(new(struct{})); err == nil || !strings.Contains(err.Error(), "--model-config") {
		t.Errorf("no configuration: %v", err)
	}
	if step, err := f.Step(); step != 0 || err != nil {
		t.Errorf("step %d, %v", step, err)
	}
}

func TestConfigAndStep(t *testing.T) {
	type config struct {
		Dim   int   `json:"dim"`
		Heads []int `json:"heads"`
	}
	var got config
	if err := parsed(t, encoded(t, sample())).Config(&got); err != nil || got.Dim != 2 || len(got.Heads) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	for text, want := range map[string]string{
		`{"dim":1,"wings":2}`: "wings", `{"dim":1}{}`: "more than one", `{"dim":"one"}`: "string", ``: "EOF",
	} {
		f := &File{name: "f", Metadata: map[string]string{KeyConfig: text}}
		if err := f.Config(&got); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"", "-1", "1.5", "x", "9223372036854775808"} {
		f := &File{Metadata: map[string]string{KeyStep: text}}
		if _, err := f.Step(); err == nil {
			t.Errorf("step %q was accepted", text)
		}
	}
}

func TestOpenMistakes(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "it is a folder") {
		t.Errorf("folder: %v", err)
	}
	text := filepath.Join(dir, "text.safetensors")
	if err := os.WriteFile(text, []byte("this is no tensor file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(text); err == nil || !strings.Contains(err.Error(), text+": not a safetensors file") {
		t.Errorf("text: %v", err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skipf("named pipes are needed: %v", err)
	}
	if _, err := Open(pipe); err == nil || !strings.Contains(err.Error(), pipe+" is not a regular file") {
		t.Errorf("a pipe that nobody writes to: %v", err)
	}
}

// TestFileShrinksAfterOpen reads a tensor whose bytes are gone by then.
func TestFileShrinksAfterOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := Write(path, sample()); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Truncate(path, 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Tensor("stem.weight"); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

// TestGoldenFiles reads files that PyTorch's safetensors wrote, and writes them again.
func TestGoldenFiles(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(sharedtest.Shared(t, "golden"), "*.safetensors"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, path := range paths {
		f, err := Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		defer f.Close()
		var config struct {
			Dim int `json:"dim"`
		}
		if err := f.Config(&config); err == nil {
			t.Errorf("%s: unknown fields of a configuration must be an error", path)
		}
		var again Contents
		for _, name := range f.Names() {
			x, err := f.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			again.Tensors = append(again.Tensors, x)
		}
		g := parsed(t, encoded(t, again))
		for _, want := range again.Tensors {
			if got, err := g.Tensor(want.Name); err != nil || equal(got, want) != "" {
				t.Errorf("%s: %v %s", path, err, equal(got, want))
			}
		}
	}
}

// TestPyTorchFile reads testdata/pytorch.safetensors, which PyTorch's own
// library wrote with seed 0; the numbers are what it printed.
func TestPyTorchFile(t *testing.T) {
	f, err := Open("testdata/pytorch.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ts, err := f.Load([]Spec{{"a.weight", []int{2, 3, 1, 1}}, {"a.bias", []int{3}}, {"b.half", []int{5}}, {"b.bf", []int{2, 2}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float32{1.5409960746765137, 0.40334683656692505, -0.4033203125, -1.0703125} {
		if got := ts[i].Data()[0]; got != want {
			t.Errorf("%s begins with %v, want %v", ts[i].Name, got, want)
		}
	}
}
