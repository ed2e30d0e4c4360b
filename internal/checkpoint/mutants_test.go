package checkpoint

import (
	"os"
	"path/filepath"
	"testing"

	"clusir/internal/sharedtest"
)

// TestMutants reads damaged safetensors files, and every tensor of those that are
// accepted.
func TestMutants(t *testing.T) {
	seeds := [][]byte{encoded(t, sample())}
	paths, err := filepath.Glob("testdata/*.safetensors")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no seeds in testdata: %v", err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, b)
	}
	r := sharedtest.Reader{Name: "safetensors", Seeds: seeds, Read: func(data []byte) error {
		file, err := parse("mutant", data)
		if err != nil {
			return err
		}
		for _, name := range file.Names() {
			_, _ = file.Tensor(name) // integer tensors are not weights
		}
		return nil
	}}
	r.Try(t)
}
