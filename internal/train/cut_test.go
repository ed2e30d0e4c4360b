//go:build unix

package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"clusir/internal/atomicfile"
	"clusir/internal/checkpoint"
	"clusir/internal/config"
	"clusir/internal/eval"
	"clusir/internal/model"
)

// toyValue is a validation that reads one of the weights.
func toyValue(calls *int) func(context.Context, *model.ClusIR) (*eval.Validation, error) {
	return func(ctx context.Context, m *model.ClusIR) (*eval.Validation, error) {
		*calls++
		x := m.State()[0].Data()[0] // of the averaged weights
		return &eval.Validation{Measures: []eval.Measure{{Name: "toy", Value: 30 + math.Abs(float64(x))}}}, ctx.Err()
	}
}

// every is a run that validates after each step, with accumulation, the moving average
// and clipping.
func every(root string) *config.Config {
	c := small(root)
	c.Train.ValidationInterval = 1
	return c
}

// TestSameBits: a run ends in the same files at 1 and at 2 threads, and in the same weights
// without validations.
func TestSameBits(t *testing.T) {
	root, one, two := photographs(t), t.TempDir(), t.TempDir()
	for threads, dir := range map[int]string{1: one, 2: two} {
		calls := 0
		if _, err := runIn(t.Context(), t, Options{Config: every(root), Out: dir, Validate: toyValue(&calls)}, threads); err != nil {
			t.Fatal(err)
		}
		if calls != 7 {
			t.Errorf("%d validations, want that of step 0 and 6", calls)
		}
	}
	mustEndAlike(t, one, two)
	unseen := t.TempDir()
	if _, err := runIn(t.Context(), t, Options{Config: every(root), Out: unseen}, 1); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(weightsOf(t, one), weightsOf(t, unseen)) {
		t.Error("validations change the weights")
	}
}

// TestCut interrupts runs after each step, during the validation there, and resumes
// them.
func TestCut(t *testing.T) {
	root, whole := photographs(t), t.TempDir()
	calls := 0
	if _, err := runIn(t.Context(), t, Options{Config: every(root), Out: whole, Validate: toyValue(&calls)}, 2); err != nil {
		t.Fatal(err)
	}
	for cut := range 7 {
		dir, calls := t.TempDir(), 0
		validate := toyValue(&calls)
		ctx, stop := context.WithCancel(t.Context())
		cutting := func(ctx context.Context, m *model.ClusIR) (*eval.Validation, error) {
			if calls == cut {
				stop()
			}
			return validate(ctx, m)
		}
		res, err := runIn(ctx, t, Options{Config: every(root), Out: dir, Validate: cutting}, 1)
		if err != nil || !res.Interrupted || res.Step != cut {
			t.Fatalf("interrupted run: %+v, %v", res, err)
		}
		if res, err = runIn(t.Context(), t, Options{Config: every(root), Out: dir, Validate: validate, Resume: true}, 2); err != nil || res.Interrupted {
			t.Fatal(res, err)
		}
		if calls != 8 {
			t.Errorf("cut at %d: %d validations, want 7 and the one that was cut", cut, calls)
		}
		mustEndAlike(t, whole, dir)
	}
}

// mustEndAlike compares everything that two runs leave behind, except times.
func mustEndAlike(t *testing.T, want, got string) {
	t.Helper()
	for _, name := range []string{lastName, bestName} {
		if !bytes.Equal(bytesOf(t, want, name), bytesOf(t, got, name)) {
			t.Errorf("%s: different bits", name)
		}
	}
	a, err := ReadLog(filepath.Join(want, logName))
	b, err2 := ReadLog(filepath.Join(got, logName))
	if err := errors.Join(err, err2); err != nil || len(a) != len(b) {
		t.Fatalf("logs of %d and %d lines, %v", len(a), len(b), err)
	}
	for i := range a {
		a[i].Time, b[i].Time, a[i].Rate, b[i].Rate = time.Time{}, time.Time{}, 0, 0
		x, err := json.Marshal(a[i])
		y, err2 := json.Marshal(b[i])
		if err := errors.Join(err, err2); err != nil || !bytes.Equal(x, y) {
			t.Errorf("line %d: %s, want %s; %v", i+1, y, x, err)
		}
	}
}

// child names the folder to train in, in a process that a test starts.
const child = "CLUSIR_TEST_CHILD"

// startChild runs the named test in its own process.
func startChild(t *testing.T, name, root string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+name+"$")
	cmd.Env = append(os.Environ(), child+"="+root)
	return cmd
}

// TestKilled kills a run by SIGKILL again and again, at different moments of a step,
// and expects the bits of an uninterrupted run.
func TestKilled(t *testing.T) {
	if root := os.Getenv(child); root != "" {
		_, err := os.Stat(filepath.Join(root, "run", lastName))
		_, err = runIn(t.Context(), t, Options{Config: longer(root), Out: filepath.Join(root, "run"), Resume: err == nil}, 1)
		t.Fatalf("the run ended before it was killed: %v", err)
	}
	root, never := photographs(t), t.TempDir()
	dir := filepath.Join(root, "run")
	for i, step := range []int{1, 4, 5, 9, 12} {
		cmd := startChild(t, "TestKilled", root)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		awaitStep(t, dir, step)
		time.Sleep(time.Duration(i*i) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		mustHaveSaved(t, dir, step)
	}
	torn := filepath.Join(dir, atomicfile.Prefix+"0123456789abcdef.tmp")
	if err := os.WriteFile(torn, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := runIn(t.Context(), t, Options{Config: longer(root), Out: dir, Resume: true}, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(torn); err == nil {
		t.Error("the partial file of a killed run is still there")
	}
	if _, err := runIn(t.Context(), t, Options{Config: longer(root), Out: never}, 1); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytesOf(t, never, lastName), bytesOf(t, dir, lastName)) {
		t.Error("the killed and resumed run ends in different bits")
	}
}

// longer is a run with more steps than a test waits for.
func longer(root string) *config.Config {
	c := small(root)
	c.Train.Steps = 24
	return c
}

// awaitStep waits until the log reaches a step.
func awaitStep(t *testing.T, dir string, step int) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(dir, logName))
		if bytes.Contains(text, fmt.Appendf(nil, `{"step":%d,`, step)) {
			return
		}
		if time.Since(begin) > 2*time.Minute {
			t.Fatalf("no step %d within two minutes", step)
		}
	}
}

// mustHaveSaved expects a checkpoint at most one interval before a step.
func mustHaveSaved(t *testing.T, dir string, step int) {
	t.Helper()
	interval := small("").Train.CheckpointInterval
	if step < interval {
		return
	}
	f, err := checkpoint.Open(filepath.Join(dir, lastName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if saved, err := f.Step(); err != nil || saved <= step-interval-1 {
		t.Errorf("killed after step %d, and the last checkpoint is of %d, %v", step, saved, err)
	}
}

// TestFullDisk: if a checkpoint does not fit on the disk, the run ends with an error,
// the previous checkpoint is whole, and resuming from it gives the same bits. A limit
// on file sizes stands in for the disk.
func TestFullDisk(t *testing.T) {
	if root := os.Getenv(child); root != "" {
		full := sinceFirst(func() error {
			limit := syscall.Rlimit{Cur: 20_000, Max: 20_000}
			return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
		})
		_, err := runIn(t.Context(), t, Options{Config: small(root), Out: filepath.Join(root, "run"), Validate: full}, 1)
		t.Fatal(err)
	}
	root, never := photographs(t), t.TempDir()
	dir := filepath.Join(root, "run")
	out, err := startChild(t, "TestFullDisk", root).CombinedOutput()
	if last := filepath.Join(dir, lastName); err == nil || !strings.Contains(string(out), "cannot write "+last) || !strings.Contains(string(out), "the last good checkpoint is "+last) {
		t.Fatalf("no error that names %s: %s", last, out)
	}
	mustHaveSaved(t, dir, 3)
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	quiet := sinceFirst(func() error { return nil })
	if _, err := runIn(t.Context(), t, Options{Config: small(root), Out: dir, Resume: true, Validate: quiet}, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := runIn(t.Context(), t, Options{Config: small(root), Out: never, Validate: quiet}, 1); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytesOf(t, never, lastName), bytesOf(t, dir, lastName)) {
		t.Error("the resumed run ends in different bits")
	}
}
