package main

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/checkpoint"
)

// TestExportAddsConfiguration: weights without a configuration are exported with that
// of a file, and then need no other.
func TestExportAddsConfiguration(t *testing.T) {
	dir := t.TempDir()
	own, bare, shape := filepath.Join(dir, "own.safetensors"), filepath.Join(dir, "bare.safetensors"), filepath.Join(dir, "shape.json")
	mustRun(t, "export nano "+own)
	f, err := checkpoint.Open(own)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.WriteFile(shape, []byte(f.Metadata[checkpoint.KeyConfig]), 0o644); err != nil {
		t.Fatal(err)
	}
	withoutMetadata(t, own, bare)
	whole := filepath.Join(dir, "whole.safetensors")
	mustRun(t, "export "+bare+" "+whole+" --model-config "+shape)
	mustRun(t, "models "+whole)
	for args, want := range map[string]string{
		"export " + bare + " " + dir + "/x":                        "--model-config",
		"export " + own + " " + dir + "/x --model-config " + shape: "holds its configuration: leave out --model-config",
	} {
		var stdout, stderr strings.Builder
		if code := run(strings.Fields(args), &stdout, &stderr); code != exitError || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit code %d: %s", args, code, stderr.String())
		}
	}
}

// withoutMetadata copies a safetensors file without its metadata.
func withoutMetadata(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(data)
	var header map[string]any
	if err := json.Unmarshal(data[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	delete(header, "__metadata__")
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	if err := os.WriteFile(to, slices.Concat(out, text, data[8+n:]), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestExportNames: an embedded model is exported by name, with its notes, and an
// extension of another format is refused before anything is read.
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
		!strings.Contains(stderr.String(), "the only output format is safetensors, not .onnx") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	if _, err := os.Stat(out + ".onnx"); err == nil {
		t.Error("the file is written nevertheless")
	}
}
