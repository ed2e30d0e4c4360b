package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestValidationIsAnnounced: a run prints what it will be validated on, what it leaves
// out, and which image ended it.
func TestValidationIsAnnounced(t *testing.T) {
	dir := evalData(t)
	copyPhotos(t, filepath.Join(dir, "Train", "Denoise"), 1, "a.png", "b.png")
	copyPhotos(t, filepath.Join(dir, "in"), .5, "a.png", "alone.png")
	copyPhotos(t, filepath.Join(dir, "out"), 1, "a.png")
	writeFile(t, filepath.Join(dir, "mine.yaml"), "mine: {title: My photos, task: denoise, clean: photos, sigmas: [25], expected: 3}\npairs: {task: derain, input: in, target: out}\n")
	if err := os.Truncate(filepath.Join(dir, "photos", "b.png"), 60); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "toy.yaml"), toyRun+"eval: {benchmarks: [pairs, mine]}\n")
	args := strings.Fields("train --steps 1 --config {}/toy.yaml --set train.validation_interval=1 --benchmark-file {}/mine.yaml --data {} --out {}/run --threads 1 --device cpu")
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "{}", dir)
	}
	var stdout, stderr bytes.Buffer
	if code := run(args, &stdout, &stderr); code != exitError {
		t.Errorf("exit code %d, want %d", code, exitError)
	}
	for _, want := range []string{
		"validation images of pairs: 1\n", "skipped " + filepath.Join(dir, "in", "alone.png"), "validation images of My photos σ=25: 2 of 3\n",
		"1 of 3 images could not be measured; the first: mine σ=25 b", "validation after step 0",
	} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("standard error lacks %q:\n%s", want, &stderr)
		}
	}
}
