package bench

import (
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/checkpoint"
	"clusir/internal/model"
)

const golden = "../model/testdata/small.safetensors"

// goldenSubject returns the network of the golden file, with its weights.
func goldenSubject(t *testing.T, path string) Subject {
	t.Helper()
	f, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	c, err := model.ReadConfig(f)
	if err != nil {
		t.Fatal(err)
	}
	return Subject{Name: path, Config: c, Weights: f.Within(weightsPrefix)}
}

// changed writes a copy of the golden file with one tensor changed by f.
func changed(t *testing.T, name string, f func(checkpoint.Tensor) checkpoint.Tensor) string {
	t.Helper()
	whole, err := checkpoint.Open(golden)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	c := checkpoint.Contents{Config: goldenSubject(t, golden).Config}
	for _, n := range whole.Names() {
		if !strings.HasPrefix(n, "model.") && n != verifyInput && n != verifyOutput {
			continue
		}
		x, err := whole.Tensor(n)
		if err != nil {
			t.Fatal(err)
		}
		if n == name {
			x = f(x)
		}
		c.Tensors = append(c.Tensors, x)
	}
	path := filepath.Join(t.TempDir(), "changed.safetensors")
	if err := checkpoint.Write(path, c); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVerify(t *testing.T) {
	b, device, err := open(2)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	v, err := Verify(goldenSubject(t, golden), golden, b, device, 0)
	if err != nil || !(v.Difference > 0 && v.Difference < 1e-5) || v.Device != "cpu portable" {
		t.Fatalf("golden: %+v, %v", v, err)
	}
	add := func(i int, d float32) func(checkpoint.Tensor) checkpoint.Tensor {
		return func(x checkpoint.Tensor) checkpoint.Tensor {
			x.Data()[i] += d
			return x
		}
	}
	for _, c := range []struct {
		what, tensor string
		change       func(checkpoint.Tensor) checkpoint.Tensor
	}{
		{"an output off in one place", verifyOutput, add(7, 1e-2)},
		{"another image", verifyInput, add(7, 0.5)},
		{"another weight", "model.head.weight", add(0, 1)},
	} {
		path := changed(t, c.tensor, c.change)
		v, err := Verify(goldenSubject(t, path), path, b, device, 0)
		if !errors.Is(err, errDiffers) || v == nil || v.Difference <= tolerance {
			t.Errorf("%s: %+v, %v", c.what, v, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	b, device, err := open(1)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	reshaped := func(shape ...int) func(checkpoint.Tensor) checkpoint.Tensor {
		return func(x checkpoint.Tensor) checkpoint.Tensor {
			n := 1
			for _, d := range shape {
				n *= d
			}
			return checkpoint.New(x.Name, shape, make([]float32, n))
		}
	}
	notANumber := func(x checkpoint.Tensor) checkpoint.Tensor { x.Data()[7] = float32(math.NaN()); return x }
	renamed := func(x checkpoint.Tensor) checkpoint.Tensor { x.Name += "x"; return x }
	for _, c := range []struct {
		tensor string
		change func(checkpoint.Tensor) checkpoint.Tensor
		want   string
	}{
		{verifyInput, renamed, `no tensor "in.image"`},
		{verifyOutput, notANumber, `tensor "eval.output" holds NaN`},
		{verifyOutput, renamed, `no tensor "eval.output"`},
		{verifyInput, reshaped(1, 48, 32), "must be [B,3,H,W]"},
		{verifyOutput, reshaped(1, 3, 32, 32), "they must have one shape"},
		{"model.head.weight", renamed, "missing    head.weight"},
		{"model.head.weight", reshaped(3, 8, 1, 1), "head.weight is [3 8 1 1], not [3 4 3 3]"},
	} {
		path := changed(t, c.tensor, c.change)
		if _, err := Verify(goldenSubject(t, path), path, b, device, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.tensor, err, c.want)
		}
	}
	if _, err := Verify(goldenSubject(t, golden), "absent.safetensors", b, device, 0); err == nil {
		t.Error("an absent file verifies")
	}
	if _, err := relativeDifference([]float32{1}, []float32{1}, []float32{1}); err == nil || !strings.Contains(err.Error(), "any head of zeros") {
		t.Errorf("the identity: %v", err)
	}
}
