package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"clusir/internal/checkpoint"
	"clusir/internal/sharedtest"
	"clusir/internal/train"
)

// smallestRun makes a folder with photographs and a configuration of the smallest
// network, and returns the arguments that train it.
func smallestRun(t *testing.T, steps int) []string {
	t.Helper()
	dir := t.TempDir()
	m := image.NewRGBA(image.Rect(0, 0, 56, 48))
	for i := range m.Pix {
		m.Pix[i] = uint8(i*i>>8 + 3*i)
	}
	m.Set(0, 0, color.RGBA{255, 255, 255, 255})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`
model: {variant: nano, dim: 4, enc_blocks: [1, 1, 1, 1], dec_blocks: [1, 1, 1], refine_blocks: 1, fsb_groups: 4, heads: [1, 1, 1, 1]}
tasks: [{kind: denoise, repeat: 1, sigmas: [15, 25, 50]}]
train:
  {steps: %d, batch: 4, patch: 32, lr: 1e-4, schedule: constant, sync_batchnorm: true,
   balance_weight: .01, log_interval: 1, checkpoint_interval: 1, validation_interval: 0}
`, steps)
	for name, text := range map[string][]byte{"photo.png": b.Bytes(), "run.yaml": []byte(config)} {
		if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
			t.Fatal(err)
		}
		if name == "photo.png" {
			name = filepath.Join("data", name)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"train", "--threads", "1", "--config", filepath.Join(dir, "run.yaml"), "--data", filepath.Join(dir, "data")}
}

// lossesOf reads a run's log.
func lossesOf(t *testing.T, dir string) []float64 {
	t.Helper()
	entries, err := train.ReadLog(filepath.Join(dir, "log.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var losses []float64
	for _, e := range entries {
		losses = append(losses, e.Loss)
	}
	return losses
}

// mustAgree requires the losses of two runs to agree to 1e-5.
func mustAgree(t *testing.T, one, two []float64, steps int) {
	t.Helper()
	if len(one) != steps || len(two) != steps {
		t.Fatalf("%d and %d steps were logged, want %d", len(one), len(two), steps)
	}
	for i := range one {
		if math.Abs(one[i]-two[i]) > 1e-5*one[i] {
			t.Errorf("step %d: loss %g on one rank and %g on two", i+1, one[i], two[i])
		}
	}
}

// TestTrainOnDevices: --device makes ranks in one process, here with one sample each.
func TestTrainOnDevices(t *testing.T) {
	args, one, two := smallestRun(t, 3), t.TempDir(), t.TempDir()
	for out, more := range map[string][]string{one: nil, two: {"--device", "cpu,cpu,cpu,cpu"}} {
		var stdout, stderr strings.Builder
		if code := run(append(append(args, "--out", out), more...), &stdout, &stderr); code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr.String())
		}
		if strings.Count(stdout.String(), "step 3\ncheckpoint ") != 1 {
			t.Errorf("it prints %q", stdout.String())
		}
	}
	mustAgree(t, lossesOf(t, one), lossesOf(t, two), 3)
}

// TestTrainOnNoDevice: a rank without its device ends the others.
func TestTrainOnNoDevice(t *testing.T) {
	var stdout, stderr strings.Builder
	code := run(append(smallestRun(t, 3), "--out", t.TempDir(), "--device", "cpu,cuda:99"), &stdout, &stderr)
	if code != exitError || !strings.Contains(stderr.String(), "rank 1 of 2: ") || !strings.Contains(stderr.String(), "cuda:99") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}

// TestTrainPlaces: launcher settings that are wrong or do not match the flags are
// reported.
func TestTrainPlaces(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		args []string
		want string
	}{
		{map[string]string{"WORLD_SIZE": "2"}, nil, "RANK is not set"},
		{map[string]string{"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"},
			[]string{"--device", "cpu,cpu"}, "--device lists 2 devices"},
	} {
		t.Run(c.want, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			var stdout, stderr strings.Builder
			code := run(append(smallestRun(t, 1), append(c.args, "--out", t.TempDir())...), &stdout, &stderr)
			if code != exitError || !strings.Contains(stderr.String(), c.want) {
				t.Errorf("exit code %d: %s; want %q", code, stderr.String(), c.want)
			}
		})
	}
}

// TestOneRankInterrupted: if one rank is interrupted, both end with a code that says
// that the run is unfinished.
func TestOneRankInterrupted(t *testing.T) {
	if args := os.Getenv(trainArgs); args != "" {
		os.Exit(run(strings.Fields(args), os.Stdout, os.Stderr))
	}
	dir := t.TempDir()
	host, port, err := net.SplitHostPort(sharedtest.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Join(append(smallestRun(t, 1e6), "--device", "cpu", "--out", dir), " ")
	ranks := make([]*exec.Cmd, 2)
	said := make([]bytes.Buffer, 2)
	for r := range ranks {
		ranks[r] = exec.Command(os.Args[0], "-test.run=^TestOneRankInterrupted$")
		ranks[r].Env = append(os.Environ(), trainArgs+"="+args, "MASTER_ADDR="+host, "MASTER_PORT="+port, "WORLD_SIZE=2", fmt.Sprint("RANK=", r))
		ranks[r].Stdout, ranks[r].Stderr = &said[r], &said[r]
		if err := ranks[r].Start(); err != nil {
			t.Fatal(err)
		}
	}
	awaitFile(t, filepath.Join(dir, "last.safetensors"))
	if err := ranks[1].Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for r, want := range []int{exitError, 128 + int(syscall.SIGINT)} {
		_ = ranks[r].Wait() // has an exit code
		if code := ranks[r].ProcessState.ExitCode(); code != want {
			t.Errorf("rank %d ends with %d, want %d:\n%s", r, code, want, &said[r])
		}
	}
	if !strings.Contains(said[0].String(), "another rank was asked to stop") {
		t.Errorf("rank 0 does not say why:\n%s", &said[0])
	}
}

// awaitFile waits until a file exists.
func awaitFile(t *testing.T, path string) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Since(begin) > 2*time.Minute {
			t.Fatalf("no %s within two minutes", path)
		}
	}
}

// TestTrainUnderMPI builds the command with MPI: two ranks under mpirun have the losses
// of one, over 20 steps; and if one is killed, mpirun ends the other within seconds and
// the last checkpoint is whole.
func TestTrainUnderMPI(t *testing.T) {
	sharedtest.MPI(t)
	binary := filepath.Join(t.TempDir(), "clusir")
	if out, err := exec.Command("go", "build", "-tags", "mpi", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	args, one, two := smallestRun(t, 20), t.TempDir(), t.TempDir()
	for out, cmd := range map[string]*exec.Cmd{
		one: exec.Command(binary, append(args, "--out", one)...),
		two: sharedtest.Mpirun(t, 2, nil, append([]string{binary}, append(args, "--out", two)...)...),
	} {
		said, err := cmd.CombinedOutput()
		if err != nil || strings.Count(string(said), "step 20\ncheckpoint ") != 1 {
			t.Fatalf("%s: %v\n%s", out, err, said)
		}
	}
	mustAgree(t, lossesOf(t, one), lossesOf(t, two), 20)
	t.Run("killed", func(t *testing.T) { killUnderMPI(t, binary) })
}

func killUnderMPI(t *testing.T, binary string) {
	dir := t.TempDir()
	script := `echo $$ >"$0.$OMPI_COMM_WORLD_RANK"; exec "$@"`
	program := append([]string{"sh", "-c", script, filepath.Join(dir, "pid"), binary}, append(smallestRun(t, 1e6), "--out", dir)...)
	cmd := sharedtest.Mpirun(t, 2, nil, program...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := filepath.Join(dir, "last.safetensors")
	awaitFile(t, last)
	text, err := os.ReadFile(filepath.Join(dir, "pid.1"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := cmd.Wait(); err == nil {
		t.Error("mpirun succeeds although a rank was killed")
	}
	if d := time.Since(begin); d > 15*time.Second {
		t.Errorf("mpirun took %v to end", d)
	}
	f, err := checkpoint.Open(last)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if step, err := f.Step(); err != nil || step < 1 {
		t.Errorf("the last checkpoint is of step %d, %v", step, err)
	}
}
