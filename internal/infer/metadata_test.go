package infer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/testnet"
)

// withMetadata writes the embedded model with another value under a key of its metadata.
func withMetadata(t *testing.T, key, value string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.safetensors")
	testnet.EditHeader(t, "../../weights/nano.safetensors", path, func(header map[string]any) {
		metadata := header["__metadata__"].(map[string]any)
		delete(metadata, "sha256")
		delete(metadata, "format")
		metadata[key] = value
	})
	return path
}

// TestFileWithoutExtension: a file in this folder is a model by its bare name, too.
func TestFileWithoutExtension(t *testing.T) {
	path := withMetadata(t, "a", "b")
	t.Chdir(filepath.Dir(path))
	if err := os.Rename(path, "weights"); err != nil {
		t.Fatal(err)
	}
	if d, err := Describe("weights"); err != nil || d.Notes["a"] != "b" {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := Describe("absent"); err == nil || !strings.Contains(err.Error(), "no embedded model has that name") {
		t.Errorf("no file: %v", err)
	}
}

// TestParts: a description leaves out what a network of an ablation does not have.
func TestParts(t *testing.T) {
	const all = "width 48, blocks [4 6 6 8] [4 6 6] 4, clusters [3 3 3 3] ([2 2 2 2] kept), experts 4 (2 kept)"
	c := arch.Base()
	if got := parts(c); got != all {
		t.Errorf("base: %s", got)
	}
	c.UseDAFMM = false
	if got := parts(c); got != all+", without DAFMM" {
		t.Errorf("without DAFMM: %s", got)
	}
	if c.UseMoE = false; parts(c) != "width 48, blocks [4 6 6 8] [4 6 6] 4, without clusters and experts, without DAFMM" {
		t.Errorf("without experts: %s", parts(c))
	}
}

// TestWrongMetadata: an error names the file once and the key, but no Go type.
func TestWrongMetadata(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"config", `{"a`, "model configuration in the metadata: unexpected EOF"},
		{"config", "[]", "model configuration in the metadata: it is an array"},
		{"config", `{"dim": "wide"}`, `its "dim" is a string`},
		{"config", `{"dim": 17}`, "dim: 17 is not a multiple of 4"},
		{"affinity", `{"a": 1}`, `metadata "affinity": it is an object`},
		{"affinity", "[]", "it has 0 stages"},
		{"results", "{}", `metadata "results": it is an object`},
		{"recipe", "[]", `metadata "recipe": the recipe is not a JSON object of settings: it is an array`},
		{"step", "[]", "is not a count"},
		{"step", "4611686018427387903", "is not a count"},
	} {
		path := withMetadata(t, c.key, c.value)
		_, err := Describe(path)
		errs := []error{err}
		if c.key == "config" {
			_, _, err := Source{Model: path}.Open()
			errs = append(errs, err)
		}
		for _, err := range errs {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s %s: %v, want %s", c.key, c.value, err, c.want)
			} else if text := err.Error(); strings.Count(text, path) != 1 || strings.Contains(text, "Go value") {
				t.Errorf("%s %s: %s", c.key, c.value, text)
			}
		}
	}
	if _, _, err := (Source{Model: "nano", Config: "nano"}).Open(); err == nil || err.Error() != "model nano holds its configuration: leave out --model-config" {
		t.Error(err)
	}
}
