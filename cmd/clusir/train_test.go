package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"clusir/internal/sharedtest"
)

// copyPhotos crops the sample pictures to 96×96 pixels and puts them into folders under
// the given names, with their colours scaled by a factor.
func copyPhotos(t *testing.T, dir string, scale float64, names ...string) {
	t.Helper()
	for i, name := range names {
		f, err := os.Open(filepath.Join(sharedtest.Root(t), "testdata", "images", []string{"astronaut.png", "chelsea.png", "coffee.png"}[i%3]))
		if err != nil {
			t.Fatal(err)
		}
		src, err := png.Decode(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		m := image.NewRGBA(image.Rect(0, 0, 96, 96))
		for y := range 96 {
			for x := range 96 {
				r, g, b, _ := src.At(x+40, y+30).RGBA()
				level := func(v uint32) uint8 { return uint8(float64(v>>8) * scale) }
				m.Set(x, y, color.RGBA{level(r), level(g), level(b), 255})
			}
		}
		var out bytes.Buffer
		if err := png.Encode(&out, m); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, name), out.String())
	}
}

// mustRun runs a command line and returns what it printed to standard output.
func mustRun(t *testing.T, args string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(strings.Fields(args), &stdout, &stderr); code != exitOK {
		t.Fatalf("clusir %s: exit code %d\n%s%s", args, code, &stdout, &stderr)
	}
	if bad := badVerb.FindString(stdout.String() + stderr.String()); bad != "" {
		t.Errorf("clusir %s prints %q: a format and its arguments do not agree", args, bad)
	}
	return stdout.String()
}

// toyRun is a configuration of a few steps of a small network.
const toyRun = `
model: {variant: nano, dim: 4, fsb_groups: 4, heads: [1, 1, 1, 1], refine_blocks: 1}
tasks: [{kind: denoise, repeat: 1, sigmas: [25]}]
train: {steps: 30, batch: 4, accumulate: 2, patch: 32, schedule: constant, ema: 0.9, log_interval: 1, validation_interval: 0}
`

// trainArgs names the variable with the command line of the process that
// TestTrainInterrupted starts.
const trainArgs = "CLUSIR_TEST_TRAIN"

// TestTrainInterrupted: SIGINT ends a run after the current step with exit code 130;
// resumed, it ends in the bits of an uninterrupted run.
func TestTrainInterrupted(t *testing.T) {
	if args := os.Getenv(trainArgs); args != "" {
		os.Exit(run(strings.Fields(args), os.Stdout, os.Stderr))
	}
	dir := t.TempDir()
	copyPhotos(t, filepath.Join(dir, "Train", "Denoise"), 1, "a.png", "b.png")
	file := filepath.Join(dir, "toy.yaml")
	writeFile(t, file, toyRun)
	args := fmt.Sprintf("train --config %s --data %s --threads 1 --device cpu --out %s/", file, dir, dir)
	cmd := exec.Command(os.Args[0], "-test.run=^TestTrainInterrupted$")
	cmd.Env = append(os.Environ(), trainArgs+"="+args+"cut")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "cut", "log.jsonl")
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		if text, _ := os.ReadFile(log); bytes.Count(text, []byte("\n")) >= 3 {
			break
		}
		if time.Since(begin) > 2*time.Minute {
			t.Fatal("no step within two minutes", &stderr)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // has an exit code
	if code := cmd.ProcessState.ExitCode(); code != 128+int(syscall.SIGINT) || !strings.Contains(stdout.String(), "continue with --resume") {
		t.Fatalf("exit code %d, want %d\n%s%s", code, 128+int(syscall.SIGINT), &stdout, &stderr)
	}
	mustRun(t, args+"cut --resume")
	mustRun(t, args+"whole")
	const last = "last.safetensors"
	a, err := os.ReadFile(filepath.Join(dir, "whole", last))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "cut", last)); err != nil || !bytes.Equal(a, b) {
		t.Errorf("the interrupted run ends in different bits; %v", err)
	}
}

// fineTuning gives the example of docs/train.md pictures, and few steps.
func fineTuning(t *testing.T, s shell) {
	for folder, scale := range map[string]float64{"degraded": .4, "clean": 1} {
		copyPhotos(t, filepath.Join(s.dir, "photos", folder), scale, "1.png", "2.png")
		copyPhotos(t, filepath.Join(s.dir, "photos", "test", folder), scale, "3.png")
	}
	for key, value := range map[string]string{"STEPS": "4", "VALIDATION_INTERVAL": "2", "BATCH": "2", "PATCH": "32", "LOG_INTERVAL": "1", "SCHEDULE": "cosine"} {
		t.Setenv("CLUSIR_TRAIN_"+key, value)
	}
	t.Setenv("CLUSIR_DEVICE", "cpu")
}

func fineTuned(t *testing.T, s shell) {
	for _, file := range []string{"runs/mine/best.safetensors", "runs/mine/curve.png", "mine.safetensors", "restored/3.png"} {
		if _, err := os.Stat(filepath.Join(s.dir, file)); err != nil {
			t.Error(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "runs", "mine", "log.jsonl"))
	if err != nil || strings.Count(string(text), `"validation":[{"name":"mine"`) != 3 { // before the first step, and two more
		t.Errorf("the log: %s, %v", text, err)
	}
}

// TestTrainCheck: the exit code reports whether the data are sound.
func TestTrainCheck(t *testing.T) {
	dir := t.TempDir()
	photos := filepath.Join(dir, "Train", "Denoise")
	copyPhotos(t, photos, 1, "a.png", "b.png")
	args := "train --config one-by-one-denoise --batch 2 --set train.validation_interval=0 --data " + dir + " --check"
	if out := mustRun(t, args); !strings.Contains(out, "2 images decoded, 0 that cannot be used") {
		t.Errorf("printed %s", out)
	}
	if out := mustRun(t, args+" --json"); !strings.Contains(out, `"checked":2`) || !strings.Contains(out, `"unreadable":0`) {
		t.Errorf("printed %s", out)
	}
	if err := os.Truncate(filepath.Join(photos, "b.png"), 5000); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run(strings.Fields(args), &stdout, &stderr); code != exitError || !strings.Contains(stdout.String(), "b.png") || !strings.Contains(stderr.String(), "damaged") {
		t.Errorf("exit code %d\n%s%s", code, &stdout, &stderr)
	}
	sheet := filepath.Join(dir, "sheet.png")
	if err := os.Remove(filepath.Join(photos, "b.png")); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "train --config one-by-one-denoise --data "+dir+" --preview "+sheet)
	if info, err := os.Stat(sheet); err != nil || info.Size() < 1000 {
		t.Error("no sheet", err)
	}
	again := "train --config one-by-one-denoise --data " + dir + " --preview " + sheet
	stderr.Reset()
	if code := run(strings.Fields(again), &stdout, &stderr); code != exitError || !strings.Contains(stderr.String(), "sheet.png exists") {
		t.Errorf("a sheet is replaced without a word: exit code %d\n%s", code, &stderr)
	}
	mustRun(t, again+" --overwrite")
}

// TestCheckFindsWhatTrainingRefuses: settings that would end a run before its first
// step make --check fail, which still reports on the data.
func TestCheckFindsWhatTrainingRefuses(t *testing.T) {
	dir := t.TempDir()
	copyPhotos(t, filepath.Join(dir, "Train", "Denoise"), 1, "a.png", "b.png")
	for args, want := range map[string]string{
		"--set model.dim=17":                "dim: 17 is not a multiple of 4",
		"--set eval.benchmarks=[kodak]":     "eval.benchmarks: there is no benchmark \"kodak\"",
		"--set eval.benchmarks=[kodak24]":   "train.validation_interval",
		"--batch 1000000":                   "train.batch: ",
		"--set train.accumulate=48":         "BatchNorm",
		"--init-from absent":                "--init-from: model \"absent\"",
		"--init-from nano":                  "--init-from: nano does not fit",
		"--device cuda:99":                  "cuda:99",
		"--device cpu,cpu --batch 3":        "train.batch 3 does not divide among 2 ranks",
		"--benchmark-file " + dir + "/none": "none",
	} {
		t.Run(args, func(t *testing.T) {
			line := "train --config one-by-one-denoise --device cpu --check --data " + dir
			if !strings.Contains(args, "--batch ") {
				line += " --batch 2"
			}
			if !strings.Contains(args, "benchmarks") {
				line += " --set train.validation_interval=0"
			}
			refused := strings.Contains(args, "accumulate") || strings.Contains(args, "dim") // when they are read
			wantCode := exitError
			if refused {
				wantCode = exitUsage
			}
			var stdout, stderr bytes.Buffer
			if code := run(strings.Fields(line+" "+args), &stdout, &stderr); code != wantCode || !strings.Contains(stderr.String(), want) {
				t.Errorf("exit code %d, want %q:\n%s", code, want, &stderr)
			}
			if !refused && !strings.Contains(stdout.String(), "2 images decoded") {
				t.Errorf("no report on the data:\n%s", &stdout)
			}
		})
	}
}
