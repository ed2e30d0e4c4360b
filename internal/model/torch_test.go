package model

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"clusir/internal/checkpoint"
	"clusir/internal/sharedtest"
)

// TestInPyTorch: the network defined in python/ reproduces the outputs of the golden
// vectors, and the files it writes are valid here. CLUSIR_PYTORCH names a folder with
// torch, numpy and safetensors, in case Python does not find them by itself.
func TestInPyTorch(t *testing.T) {
	folder := filepath.Join(sharedtest.Root(t), "python")
	env := append(os.Environ(), "PYTHONPATH="+os.Getenv("CLUSIR_PYTORCH"), "PYTHONDONTWRITEBYTECODE=1")
	python := func(args ...string) ([]byte, error) {
		cmd := exec.Command("python3", args...)
		cmd.Env = env
		return cmd.CombinedOutput()
	}
	if text, err := python("-c", "import torch, safetensors.torch"); err != nil {
		t.Skipf("Python has no torch and safetensors (%v: %.200s): install them, or set CLUSIR_PYTORCH to their folder", err, text)
	}
	golden, out := filepath.Join("testdata", "small.safetensors"), filepath.Join(t.TempDir(), "out.safetensors")
	text, err := python(filepath.Join(folder, "check_golden.py"), golden, out)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	t.Logf("%s", text)
	f, err := checkpoint.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := ReadConfig(f)
	if err != nil {
		t.Fatal(err)
	}
	specs, err := Specs(c)
	if err != nil {
		t.Fatal(err)
	}
	weights, err := f.Load(specs)
	if err != nil {
		t.Fatal(err)
	}
	vectors, err := checkpoint.Open(golden)
	if err != nil {
		t.Fatal(err)
	}
	defer vectors.Close()
	for _, w := range weights {
		want, err := vectors.Tensor("model." + w.Name)
		if err != nil || !slices.Equal(w.Data(), want.Data()) {
			t.Errorf("%s: values differ from those loaded, %v", w.Name, err)
		}
	}
}
