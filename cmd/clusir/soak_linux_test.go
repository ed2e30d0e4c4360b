package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// soakVariable is how long TestSoak runs, set by make soak; soakSeed is the seed for
// drawing faults, to repeat those of a failure.
const (
	soakVariable = "CLUSIR_SOAK"
	soakSeed     = "CLUSIR_SOAK_SEED"
)

// subject is a command that writes files into the folder out.
type subject struct {
	name string
	args func(out string) []string // may depend on what is in out
	old  map[string]string         // files that it replaces, by name
	// use, if set, uses a command that runs until it is stopped, and reports whether it
	// got everything it asked for.
	use func(out string, cmd *exec.Cmd, stdout io.Reader) bool
	// whole reports what a fault damaged or lost, by comparing out with the result of a
	// run without a fault.
	whole func(out, done string) error
	// same reports the differences after a run without a fault.
	same func(out, done string) error

	done   string        // the folder it leaves
	took   time.Duration // how long it takes
	events int           // how often it changes its folder
}

// TestSoak kills commands, often while they write, limits the size of their files and
// makes their system calls fail, for the duration in soakVariable. After each fault,
// nothing may be damaged or lost, and the command must report whether it succeeded; the
// next run must leave what a run without a fault leaves, and no temporary files. It
// ends at the first failure.
func TestSoak(t *testing.T) {
	length, seed := 5*time.Second, uint64(time.Now().UnixNano())
	var err error
	if text := os.Getenv(soakVariable); text != "" {
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", soakVariable, err)
		}
	}
	if text := os.Getenv(soakSeed); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", soakSeed, err)
		}
	}
	bin := program(t)
	subjects := soakSubjects(t)
	for _, s := range subjects {
		s.reference(t, bin)
	}
	r := rand.New(rand.NewPCG(seed, 0))
	counts := map[string]int{}
	for begin := time.Now(); time.Since(begin) < length; {
		for _, s := range subjects {
			if err := s.suffer(t, bin, r, counts); err != nil {
				t.Fatalf("run %d of those with %s=%d: %s, %v", counts["runs"], soakSeed, seed, s.name, err)
			}
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
	begin, w := time.Now(), watch(t, s.done)
	if r := s.run(bin, s.done, nil, nil); !r.done {
		t.Fatalf("%s without a fault: %v", s.name, r)
	}
	s.took, s.events = time.Since(begin), w.stop()
}

// folder makes a folder with the files that the command replaces.
func (s *subject) folder(t *testing.T) string {
	out := t.TempDir()
	for name, text := range s.old {
		if err := os.WriteFile(filepath.Join(out, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// ended is how a command ended.
type ended struct {
	said string
	done bool // as reported by the command and its user
	*os.ProcessState
}

// String describes it in a line or a few.
func (e ended) String() string {
	const maxText = 600
	said := strings.TrimSpace(e.said)
	if !e.crashed() {
		said = said[max(0, len(said)-maxText):]
	}
	return fmt.Sprintf("%v: %s", e.ProcessState, said[:min(len(said), 5*maxText)])
}

// crashed reports what no fault may cause.
func (e ended) crashed() bool {
	return slices.ContainsFunc([]string{"goroutine ", "internal error", "seccomp:"}, func(sign string) bool { return strings.Contains(e.said, sign) })
}

// run runs the command; begun, if set, receives its process.
func (s *subject) run(bin, out string, env []string, begun func(*os.Process)) ended {
	cmd := exec.Command(bin, s.args(out)...)
	var said, printed bytes.Buffer
	cmd.Stderr, cmd.Env = &said, slices.Concat(os.Environ(), []string{"TMPDIR=" + out}, env)
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return ended{said: err.Error()}
	}
	// If it hangs, print its stacks, which the second signal does.
	hangs := time.AfterFunc(time.Minute+20*s.took, func() {
		for range 2 {
			_ = cmd.Process.Signal(syscall.SIGQUIT) // it may have ended
			time.Sleep(time.Second)
		}
	})
	defer hangs.Stop()
	if begun != nil {
		begun(cmd.Process)
	}
	used := s.use == nil || s.use(out, cmd, stdout)
	_, _ = printed.ReadFrom(stdout) // until the process ends
	_ = cmd.Wait()                  // has a state
	return ended{printed.String() + said.String(), used && cmd.ProcessState.Success(), cmd.ProcessState}
}

var soakSignals = map[string]syscall.Signal{
	"SIGKILL": syscall.SIGKILL, "SIGTERM": syscall.SIGTERM, "SIGHUP": syscall.SIGHUP,
	"fsync": soakStrike, "rename": soakStrike, "create": soakStrike,
}

// suffer runs the command with a fault, and then without.
func (s *subject) suffer(t *testing.T, bin string, r *rand.Rand, counts map[string]int) (err error) {
	faults := append(slices.Sorted(maps.Keys(soakSignals)), "size")
	out, fault := s.folder(t), faults[r.IntN(len(faults))]
	var env []string
	when := s.moment(r)
	if fault == "size" {
		when = moment{bytes: 1 << r.IntN(18)}
	}
	if !strings.HasPrefix(fault, "SIG") {
		env = []string{fmt.Sprintf("%s=%s %d", soakFault, fault, when.bytes)}
	}
	w := watch(t, out)
	got := s.run(bin, out, env, func(p *os.Process) {
		if sig, ok := soakSignals[fault]; ok {
			w.strike(when, func() { _ = p.Signal(sig) }) // it may have ended
		}
	})
	w.stop()
	counts["runs"]++
	counts[fmt.Sprintf("%s, %s: %s", s.name, fault, map[bool]string{true: "done", false: "ended"}[got.done])]++
	counts["litter removed"] += len(litter(out))
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s %v: %w; the folder holds %s; %v", fault, when, err, listing(out), got)
		}
	}()
	if got.crashed() {
		return errors.New("it crashes")
	}
	if err := s.whole(out, s.done); err != nil {
		return fmt.Errorf("after the fault: %w", err)
	}
	if got.done {
		if err := s.same(out, s.done); err != nil {
			return fmt.Errorf("which says that it is done: %w", err)
		}
	}
	if next := s.run(bin, out, nil, nil); !next.done {
		return fmt.Errorf("the next run: %v", next)
	}
	if err := s.same(out, s.done); err != nil {
		return fmt.Errorf("after the next run: %w", err)
	}
	if left := litter(out); len(left) > 0 {
		return fmt.Errorf("after the next run there is litter: %v", left)
	}
	return os.RemoveAll(out)
}

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

// listing lists a folder on one line.
func listing(dir string) string {
	var b strings.Builder
	entries, _ := os.ReadDir(dir) // what could be read
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			fmt.Fprintf(&b, "%s (%d) ", e.Name(), info.Size())
		}
	}
	return strings.TrimSpace(b.String())
}
