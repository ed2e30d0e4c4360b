package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"clusir/internal/checkpoint"
	"clusir/internal/train"
)

// soakVariable is how long TestSoak runs: make soak sets it.
const soakVariable = "CLUSIR_SOAK"

// subject is a command that writes files, into the folder out.
type subject struct {
	name string
	args func(out string) []string // by what lies there
	old  map[string]string         // files that it replaces, by their names
	// whole reports what a fault tore or lost: out is compared with what a run without
	// a fault leaves.
	whole func(out, done string) error
	// same reports what differs after a run without a fault.
	same func(out, done string) error
	done string        // what that leaves
	took time.Duration // and how long it takes
}

// TestSoak kills commands at random moments, makes their disks full and their system
// calls fail, for as long as soakVariable says. After each fault nothing is torn and
// nothing lost; the command says whether it was done; and the next run leaves what one
// without a fault leaves, and no litter.
func TestSoak(t *testing.T) {
	length := 5 * time.Second
	if text := os.Getenv(soakVariable); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", soakVariable, err)
		}
	}
	bin := program(t)
	subjects := soakSubjects(t)
	for _, s := range subjects {
		s.reference(t, bin)
	}
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	counts := map[string]int{}
	for begin := time.Now(); time.Since(begin) < length && !t.Failed(); {
		for _, s := range subjects {
			s.suffer(t, bin, r, counts)
		}
	}
	t.Logf("seed %d: %d runs", seed, counts["runs"])
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%6d %s", counts[name], name)
	}
}

// reference runs the command without a fault.
func (s *subject) reference(t *testing.T, bin string) {
	s.done = s.folder(t)
	begin := time.Now()
	if said, err := exec.Command(bin, s.args(s.done)...).CombinedOutput(); err != nil {
		t.Fatalf("%s without a fault: %v\n%s", s.name, err, said)
	}
	s.took = time.Since(begin)
}

// folder is a new one with the files that the command replaces.
func (s *subject) folder(t *testing.T) string {
	out := t.TempDir()
	for name, text := range s.old {
		if err := os.WriteFile(filepath.Join(out, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

var soakFaults = []string{"SIGKILL", "SIGTERM", "SIGHUP", "size", "fsync", "rename", "create"}

// suffer runs the command with a fault, and then without.
func (s *subject) suffer(t *testing.T, bin string, r *rand.Rand, counts map[string]int) {
	out, fault := s.folder(t), soakFaults[r.IntN(len(soakFaults))]
	after := time.Duration(r.Int64N(int64(s.took)))
	cmd := exec.Command(bin, s.args(out)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Env = os.Environ()
	switch fault {
	case "SIGKILL", "SIGTERM", "SIGHUP":
	case "size":
		cmd.Env = append(cmd.Env, fmt.Sprintf("%s=size %d", soakFault, 1<<r.IntN(18)))
	default:
		cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%s %d", soakFault, fault, after.Milliseconds()))
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if sig, ok := soakSignals[fault]; ok {
		time.AfterFunc(after, func() { _ = cmd.Process.Signal(sig) }) // it may have ended
	}
	_ = cmd.Wait() // it has a state
	end := "done"
	if !cmd.ProcessState.Success() {
		end = "ended"
	}
	counts["runs"]++
	counts[fmt.Sprintf("%s, %s: %s", s.name, fault, end)]++
	fail := func(when string, err error) {
		if err != nil {
			t.Errorf("%s, %s after %v: %v, %s: %v\n%s", s.name, fault, after, cmd.ProcessState, when, err, &said)
		}
	}
	if text := said.String(); strings.Contains(text, "goroutine ") || strings.Contains(text, "internal error") || strings.Contains(text, "seccomp") {
		t.Errorf("%s, %s after %v: it crashes:\n%s", s.name, fault, after, text)
	}
	fail("after the fault", s.whole(out, s.done))
	if end == "done" {
		fail("which says that it is done", s.same(out, s.done))
	}
	counts["litter removed"] += len(litter(out))
	next, err := exec.Command(bin, s.args(out)...).CombinedOutput()
	if err != nil {
		fail("the next run", fmt.Errorf("%w\n%s", err, next))
	}
	fail("after the next run", s.same(out, s.done))
	if left := litter(out); len(left) > 0 {
		fail("after the next run", fmt.Errorf("litter: %v", left))
	}
	if err := os.RemoveAll(out); err != nil {
		t.Fatal(err)
	}
}

var soakSignals = map[string]syscall.Signal{"SIGKILL": syscall.SIGKILL, "SIGTERM": syscall.SIGTERM, "SIGHUP": syscall.SIGHUP}

// litter lists the temporary files below a folder.
func litter(dir string) (names []string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), ".") && path != dir {
			names = append(names, d.Name())
		}
		return nil
	})
	return names
}

// soakSubjects are the commands that write what nobody wants torn.
func soakSubjects(t *testing.T) []*subject {
	if seccompCall == 0 {
		t.Skipf("no numbers of system calls are known for %s", runtime.GOARCH)
	}
	picture, data := "../../testdata/images/chelsea-noisy.png", evalData(t)
	steps := leastRun(t, 4)
	return []*subject{
		{name: "restore", old: map[string]string{"out.png": older}, whole: replaced, same: equal, args: func(out string) []string {
			return []string{"restore", picture, filepath.Join(out, "out.png"), "--overwrite", "--tile", "128", "--device", "cpu"}
		}},
		{name: "export", old: map[string]string{"model.safetensors": older}, whole: replaced, same: equal, args: func(out string) []string {
			return []string{"export", "nano", filepath.Join(out, "model.safetensors"), "--overwrite"}
		}},
		{name: "train", whole: checkpointed, same: trained, args: func(out string) []string {
			return slices.Concat(resumable("train", out, "last.safetensors"), steps[1:], []string{"--out", out, "--device", "cpu"})
		}},
		{name: "eval", whole: func(out, done string) error { return measured(out, done, false) },
			same: func(out, done string) error { return measured(out, done, true) }, args: func(out string) []string {
				return append(resumable("eval", out, "r.jsonl"), "--benchmark", "mine", "--benchmark-file", filepath.Join(data, "mine.yaml"),
					"--data", data, "--results", filepath.Join(out, "r.jsonl"), "--device", "cpu")
			}},
	}
}

// older is what a file holds that a command replaces.
const older = "an older result"

// resumable are the first arguments of a command that goes on from a file if it is there.
func resumable(command, out, file string) []string {
	if _, err := os.Stat(filepath.Join(out, file)); err != nil {
		return []string{command}
	}
	return []string{command, "--resume"}
}

// replaced wants every file as it was before or as it is without a fault.
func replaced(out, done string) error {
	return each(done, func(name, want string) error {
		if got := contents(out, name); got != want && got != older {
			return fmt.Errorf("%s holds %d bytes that are neither the old ones nor the %d new ones", name, len(got), len(want))
		}
		return nil
	})
}

// equal wants the files that a run without a fault leaves, and no others.
func equal(out, done string) error {
	entries, err := os.ReadDir(out)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(done, e.Name())); err != nil && !strings.HasPrefix(e.Name(), ".") {
			return fmt.Errorf("%s should not be there", e.Name())
		}
	}
	return each(done, func(name, want string) error {
		if got := contents(out, name); got != want {
			return fmt.Errorf("%s holds %d bytes, which differ from the %d of a run without a fault", name, len(got), len(want))
		}
		return nil
	})
}

// each calls f with the name and the contents of every file in a folder.
func each(dir string, f func(name, text string) error) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if err == nil {
			err = f(e.Name(), contents(dir, e.Name()))
		}
	}
	return err
}

func contents(dir, name string) string {
	text, _ := os.ReadFile(filepath.Join(dir, name)) // absent is empty
	return string(text)
}

// checkpointed wants checkpoints that are whole, and a log that can be read.
func checkpointed(out, _ string) error {
	files, err := filepath.Glob(filepath.Join(out, "*.safetensors"))
	if err != nil {
		return err
	}
	for _, path := range files {
		f, err := checkpoint.Open(path)
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			return err
		}
	}
	if log := filepath.Join(out, "log.jsonl"); contents(out, "log.jsonl") != "" {
		_, err = train.ReadLog(log)
	}
	return err
}

// trained wants the weights of a run that was not stopped, to the bit, and each step
// once in the log.
func trained(out, done string) error {
	if contents(out, "last.safetensors") != contents(done, "last.safetensors") {
		return errors.New("last.safetensors differs from that of a run without a fault")
	}
	got, err := train.ReadLog(filepath.Join(out, "log.jsonl"))
	if err != nil {
		return err
	}
	want, err := train.ReadLog(filepath.Join(done, "log.jsonl"))
	if err == nil && len(got) != len(want) {
		err = fmt.Errorf("the log has %d entries, want %d", len(got), len(want))
	}
	return err
}

// measured wants the results to be those of a run without a fault, all of them or some;
// the last line may be torn until the run goes on.
func measured(out, done string, all bool) error {
	rows := func(dir string) (rows []string, err error) {
		for line := range strings.Lines(contents(dir, "r.jsonl")) {
			row := map[string]any{}
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				if !strings.HasSuffix(line, "\n") && !all {
					break
				}
				return nil, fmt.Errorf("r.jsonl: %q: %w", line, err)
			}
			delete(row, "ms")
			rows = append(rows, fmt.Sprint(row))
		}
		slices.Sort(rows)
		return rows, nil
	}
	got, err := rows(out)
	if err != nil {
		return err
	}
	want, err := rows(done)
	if err != nil {
		return err
	}
	for _, row := range got {
		if !slices.Contains(want, row) {
			return fmt.Errorf("r.jsonl has a line that no run without a fault writes: %s", row)
		}
	}
	if all && !slices.Equal(got, want) {
		return fmt.Errorf("r.jsonl has %d lines, want %d", len(got), len(want))
	}
	return nil
}
