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
		"validation images of pairs: 1\n", "skipped " + filepath.Join(dir, "in", "alone.png") + ": no clean image of its name: ", "validation images of My photos σ=25: 2 of 3\n",
		"1 of 3 images could not be measured; the first: mine σ=25 b", "validation after step 0",
	} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("standard error lacks %q:\n%s", want, &stderr)
		}
	}
	stderr.Reset()
	const want = "1 of 3 validation images cannot be measured; the first: mine σ=25 b: "
	if code := run(append(args, "--check"), &stdout, &stderr); code != exitError || !strings.Contains(stderr.String(), want) {
		t.Errorf("--check: exit code %d, standard error lacks %q:\n%s", code, want, &stderr)
	}
}

// TestDescribedBenchmarks: benchmarks that a configuration describes are checked before
// a run, like those of a file, and not trained on unnoticed.
func TestDescribedBenchmarks(t *testing.T) {
	dir := evalData(t)
	copyPhotos(t, filepath.Join(dir, "Train", "Denoise"), 1, "a.png", "b.png")
	copyPhotos(t, filepath.Join(dir, "in"), .5, "a.png")
	copyPhotos(t, filepath.Join(dir, "out"), 1, "a.png")
	writeFile(t, filepath.Join(dir, "file.yaml"), "pairs: {input: in, target: out}\n")
	for _, c := range []struct {
		benchmarks, flags, want string
		code                    int
	}{
		{"{pairs: {input: in, target: out}}", "", "1 training image is also in benchmark pairs", exitOK},
		{"[pairs]", "--benchmark-file {}/file.yaml", "1 training image is also in benchmark pairs", exitOK},
		{"[pairs: {input: in, target: out}]", "--benchmark-file {}/file.yaml", "benchmark pairs is described here and in a benchmark file", exitError},
		{"[pairs: {input: none, target: out}]", "", filepath.Join(dir, "none"), exitError},
		{"[mine, pairs: {input: in, target: out}]", "", `eval.benchmarks: there is no benchmark "mine"`, exitError},
		{"[five-task: {input: in, target: out}]", "", "five-task: is also the name of a group", exitError},
	} {
		writeFile(t, filepath.Join(dir, "toy.yaml"), toyRun+"eval: {benchmarks: "+c.benchmarks+"}\n")
		args := "train --check --config {}/toy.yaml --set train.validation_interval=1 --data {} --threads 1 --device cpu " + c.flags
		var out bytes.Buffer
		code := run(strings.Fields(strings.ReplaceAll(args, "{}", dir)), &out, &out)
		if code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s %s: exit code %d\n%s\nwant %d and %q", c.benchmarks, c.flags, code, &out, c.code, c.want)
		}
	}
}
