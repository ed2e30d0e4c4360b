package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/checkpoint"
	"clusir/internal/testnet"
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
	testnet.EditHeader(t, own, bare, func(header map[string]any) { delete(header, "__metadata__") })
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

// TestExportNames: an embedded model is exported by name, with its notes, and an
// extension of another format is refused before anything is read.
func TestExportNames(t *testing.T) {
	out := filepath.Join(t.TempDir(), "x")
	mustRun(t, "export nano "+out+" --note licence=MIT --note list=a=1,b=\"2\"")
	f, err := checkpoint.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Metadata["name"] != "nano" || f.Metadata["licence"] != "MIT" || f.Metadata["list"] != `a=1,b="2"` || f.Metadata["affinity"] == "" {
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
