package nccl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"
)

// TestMain builds a libnccl.so.2 for host memory: see testdata/fake.c.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "nccl")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		lib := filepath.Join(dir, "libnccl.so.2")
		if out, err := exec.Command("gcc", "-std=gnu11", "-O1", "-shared", "-fPIC", "-pthread", "-o", lib, "testdata/fake.c").CombinedOutput(); err != nil {
			panic(fmt.Sprintf("%v\n%s", err, out))
		}
		if os.Getenv("CLUSIR_LIBNCCL") == "" {
			os.Setenv("CLUSIR_LIBNCCL", lib)
		}
		return m.Run()
	}())
}

// onRanks runs f as each rank of a group.
func onRanks(t *testing.T, size int, f func(c *Comm, rank int) error) {
	t.Helper()
	id, err := NewID()
	if err != nil {
		t.Fatal(err)
	}
	errs := make([]error, size)
	var wg sync.WaitGroup
	for r := range size {
		wg.Go(func() {
			c, err := Join(t.Context(), id, r, size, time.Minute)
			if err == nil {
				err = errors.Join(f(c, r), c.Close())
			}
			errs[r] = err
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

var stream = unsafe.Pointer(new(int))

func address(x []float32) uint64 { return uint64(uintptr(unsafe.Pointer(&x[0]))) }

func TestSum(t *testing.T) {
	onRanks(t, 3, func(c *Comm, rank int) error {
		a, b := []float32{1, float32(rank)}, []float32{float32(10 * rank)}
		for range 2 {
			if err := c.Sum([]uint64{address(a), address(b)}, []int{2, 1}, stream); err != nil {
				return err
			}
		}
		if fmt.Sprint(a, b) != "[9 9] [90]" {
			return fmt.Errorf("rank %d: sums %v %v", rank, a, b)
		}
		return errors.Join(c.Sum(nil, nil, stream), c.Err())
	})
}

// TestAbort ends a sum that waits for a rank which never comes.
func TestAbort(t *testing.T) {
	onRanks(t, 2, func(c *Comm, rank int) error {
		if rank == 1 {
			return nil
		}
		time.AfterFunc(50*time.Millisecond, func() { _ = c.Abort() })
		x := []float32{1}
		for range 2 {
			if err := c.Sum([]uint64{address(x)}, []int{1}, stream); err == nil || !strings.Contains(err.Error(), "has ended") {
				return fmt.Errorf("a sum that was aborted, or after that: %w", err)
			}
		}
		return errors.Join(c.Abort(), c.Err())
	})
}

// briefly is the wait of a test for which no rank comes.
const briefly = 50 * time.Millisecond

// TestNobodyComes: a lone rank waits as long as its patience, or as long as the run
// lasts, and its error says which rank it is and why it gives up.
func TestNobodyComes(t *testing.T) {
	ended, end := context.WithCancelCause(t.Context())
	time.AfterFunc(briefly, func() { end(errors.New("rank 1 was lost: no sign of life")) })
	for _, c := range []struct {
		ctx      context.Context
		patience time.Duration
		want     string
	}{
		{t.Context(), briefly, "joining: rank 0 of 2 has waited 50ms: another rank is not there"},
		{ended, time.Hour, "joining: rank 1 was lost: no sign of life"},
	} {
		id, err := NewID()
		if err != nil {
			t.Fatal(err)
		}
		m, err := Join(c.ctx, id, 0, 2, c.patience)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("joined alone: %v, want %q", err, c.want)
		}
		if err := m.Close(); err != nil {
			t.Errorf("leaving what was aborted: %v", err)
		}
	}
}

// pair makes the two ranks of a group in one goroutine.
func pair(t *testing.T, patience time.Duration) (one, two *Comm) {
	t.Helper()
	id, err := NewID()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var errs [2]error
	wg.Go(func() { one, errs[0] = Join(t.Context(), id, 0, 2, patience) })
	wg.Go(func() { two, errs[1] = Join(t.Context(), id, 1, 2, patience) })
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return one, two
}

// TestPeerIsLost: what another rank leaves undone ends in an error, never in an endless
// wait, and ends the membership.
func TestPeerIsLost(t *testing.T) {
	x := []float32{1}
	sum := func(c *Comm) error { return c.Sum([]uint64{address(x)}, []int{1}, stream) }
	never := func() (bool, error) { return false, nil }
	broken := func() (bool, error) { return false, errors.New("the device is lost") }
	for _, c := range []struct {
		name   string
		peer   func(*Comm) error // what the other rank does first
		do     func(*Comm) error
		want   string
		during time.Duration
	}{
		{"it stands still before a sum", nil, sum, "summing: rank 0 of 2 has waited 50ms: another rank is not there", briefly},
		{"it dies before a sum", (*Comm).Abort, sum, "summing as rank 0 of 2: remote process exited", time.Hour},
		{"a sum stands still on the device", nil, func(c *Comm) error { return c.Wait(never) }, "waiting for sums: rank 0 of 2 has waited 50ms", briefly},
		{"it dies in a sum on the device", (*Comm).Abort, func(c *Comm) error { return c.Wait(never) }, "waiting for sums as rank 0 of 2: remote process exited", time.Hour},
		{"the device is lost in a sum", nil, func(c *Comm) error { return c.Wait(broken) }, "the device is lost", time.Hour},
		{"it dies before this one leaves", (*Comm).Abort, (*Comm).Close, "leaving as rank 0 of 2: remote process exited", time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			one, two := pair(t, c.during)
			if c.peer != nil {
				if err := c.peer(two); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.do(one); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if err := sum(one); !errors.Is(err, errEnded) {
				t.Errorf("a sum after that: %v", err)
			}
		})
	}
}

// TestWait: Wait returns as soon as the device is done.
func TestWait(t *testing.T) {
	one, _ := pair(t, time.Minute)
	looks := 0
	if err := one.Wait(func() (bool, error) { looks++; return looks == 3, nil }); err != nil || looks != 3 {
		t.Errorf("%d looks, %v", looks, err)
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
}

func TestBadJoin(t *testing.T) {
	id, err := NewID()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Join(t.Context(), id, 2, 2, briefly); err == nil || !strings.Contains(err.Error(), "joining as rank 2 of 2: invalid argument") {
		t.Errorf("a rank too high: %v", err)
	}
	if _, err := Join(t.Context(), id[:5], 0, 1, briefly); err == nil || !strings.Contains(err.Error(), "5 bytes") {
		t.Errorf("a short identity: %v", err)
	}
}

// TestAbsent: without the library every call says what to do.
func TestAbsent(t *testing.T) {
	if os.Getenv("CLUSIR_LIBNCCL") == "/nowhere" {
		if err := Load(); !errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), "/nowhere") || !strings.Contains(err.Error(), "CLUSIR_LIBNCCL") {
			t.Errorf("Load: %v", err)
		}
		_, err := NewID()
		_, err2 := Join(t.Context(), nil, 0, 1, briefly)
		if !errors.Is(err, ErrAbsent) || !errors.Is(err2, ErrAbsent) {
			t.Errorf("NewID: %v, Join: %v", err, err2)
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestAbsent$")
	cmd.Env = append(os.Environ(), "CLUSIR_LIBNCCL=/nowhere")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
