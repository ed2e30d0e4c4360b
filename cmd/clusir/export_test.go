package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/checkpoint"
)

// TestExportNames: an embedded model is exported by its name, with its notes, and
// the name of another format is refused before anything is read.
func TestExportNames(t *testing.T) {
	out := filepath.Join(t.TempDir(), "x")
	mustRun(t, "export nano "+out+" --note licence=MIT")
	f, err := checkpoint.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Metadata["name"] != "nano" || f.Metadata["licence"] != "MIT" || f.Metadata["affinity"] == "" {
		t.Errorf("metadata %v", f.Metadata)
	}
	var stdout, stderr strings.Builder
	if code := run([]string{"export", "nano", out + ".onnx"}, &stdout, &stderr); code != exitError ||
		!strings.Contains(stderr.String(), "safetensors is the only format that is written, not .onnx") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	if _, err := os.Stat(out + ".onnx"); err == nil {
		t.Error("it is written all the same")
	}
}
