package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/checkpoint"
	"clusir/internal/infer"
)

// TestModels exports a model with results, and expects them in the file.
func TestModels(t *testing.T) {
	dir := t.TempDir()
	report, mine := filepath.Join(dir, "report.json"), filepath.Join(dir, "mine.safetensors")
	text := `{"splits":[{"title":"CBSD68","split":"σ=15","images":3,"expected":68,"input":{"psnr":24.8,"ssim":0.6},"output":{"psnr":31.5,"ssim":0.9}}]}`
	if err := os.WriteFile(report, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "export ../../weights/nano.safetensors "+mine+" --half --note licence=MIT --results "+report)
	var d infer.Description
	if err := json.Unmarshal([]byte(mustRun(t, "models --json "+mine)), &d); err != nil {
		t.Fatal(err)
	}
	want := infer.Score{Benchmark: "CBSD68 σ=15", Images: 3, Expected: 68, Input: 24.8, PSNR: 31.5, SSIM: 0.9}
	if len(d.Results) != 1 || d.Results[0] != want || d.Notes["licence"] != "MIT" || d.Embedded || d.Resumable {
		t.Errorf("got %+v", d)
	}
	if d.Config == nil || d.Config.Dim != 16 || d.Params < 1e6 || d.GMACs < 0.5 || d.Step == 0 || d.Weights[0].DType != checkpoint.F16 {
		t.Errorf("got %+v", d)
	}
	if strings.Contains(string(d.Recipe), `"data"`) || !strings.Contains(string(d.Recipe), `"tasks"`) || !strings.Contains(string(d.Recipe), `"variant":"nano"`) {
		t.Errorf("the recipe is %s", d.Recipe)
	}
	for _, part := range []string{"3 of 68", "31.50", "0.9000", "licence", "2,241,597 parameters", "tensors of F16", "of which the file records one: docs/model-card.md"} {
		if out := mustRun(t, "models nano "+mine); !strings.Contains(out, part) {
			t.Errorf("it does not say %q:\n%s", part, out)
		}
	}
}

// TestModelsOfOthers describes a file without metadata, as written by PyTorch, and a
// training checkpoint.
func TestModelsOfOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plain.safetensors")
	tensors := []checkpoint.Tensor{
		checkpoint.New("a", []int{2, 3}, make([]float32, 6)), checkpoint.New(checkpoint.PrefixM+"a", []int{2, 3}, make([]float32, 6)),
	}
	if err := checkpoint.Write(path, checkpoint.Contents{Tensors: tensors}); err != nil {
		t.Fatal(err)
	}
	out := mustRun(t, "models "+path)
	for _, part := range []string{"--model-config", "1 tensors of F32", "the optimiser's state"} {
		if !strings.Contains(out, part) {
			t.Errorf("it does not say %q:\n%s", part, out)
		}
	}
}

func TestBadModels(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty := write("empty.safetensors", "")
	others := write("others.json", `{"model":"mine","weights":"0123","splits":[{"title":"a","images":1}]}`)
	pictures := write("pictures.json", `{"model":"mine","restored":"out","splits":[{"title":"a","images":1}]}`)
	perfect := write("perfect.json", `{"model":"mine","splits":[{"title":"a","images":1,"output":{"psnr":"inf","ssim":1}}]}`)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"models", "absent"}, "choose nano"},
		{[]string{"models", empty}, "empty.safetensors: not a safetensors file"},
		{[]string{"models", filepath.Join(dir, "absent.safetensors")}, "there is no such file: name a checkpoint, or an embedded model: nano"},
		{[]string{"export", "../../weights/nano.safetensors", filepath.Join(dir, "x.safetensors"), "--results", empty}, "not the output of clusir eval --json"},
		{[]string{"export", "../../weights/nano.safetensors", filepath.Join(dir, "x.safetensors"), "--results", others}, "holds results of other weights, mine 0123"},
		{[]string{"export", "../../weights/nano.safetensors", filepath.Join(dir, "x.safetensors"), "--results", pictures}, "another program's pictures"},
		{[]string{"export", "../../weights/nano.safetensors", filepath.Join(dir, "x.safetensors"), "--results", perfect}, "the PSNR of a is infinite"},
		{[]string{"export", empty, empty, "--overwrite"}, "would lose what --resume needs"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(c.args, &stdout, &stderr); code != exitError || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%v: exit code %d, %s", c.args, code, &stderr)
		}
	}
}

// TestMan writes a page for every command; restore's has its options, the program's the
// commands.
func TestMan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	mustRun(t, "man "+dir)
	page, err := os.ReadFile(filepath.Join(dir, "clusir-restore.1"))
	if err != nil || !bytes.Contains(page, []byte("--max-memory")) || !bytes.Contains(page, []byte("photos/**/*")) {
		t.Errorf("the page of restore: %v\n%.400s", err, page)
	}
	whole := readFile(t, filepath.Join(dir, "clusir.1"))
	for _, c := range newRoot(new(bool)).Commands() {
		if _, err := os.Stat(filepath.Join(dir, "clusir-"+c.Name()+".1")); err != nil && c.Name() != "help" {
			t.Error(err)
		}
		if !bytes.Contains(whole, []byte(c.Short)) && !strings.Contains(c.Short, "'") {
			t.Errorf("the page of clusir does not describe %s", c.Name())
		}
	}
	var stderr bytes.Buffer
	if code := run([]string{"man", filepath.Join(dir, "clusir-restore.1")}, &stderr, &stderr); code != exitError {
		t.Errorf("a file as a folder: exit code %d, %s", code, &stderr)
	}
}
