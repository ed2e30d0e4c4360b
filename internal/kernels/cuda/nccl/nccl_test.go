package nccl

import (
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
			c, err := Join(id, r, size)
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
		if err := c.Sum([]uint64{address(x)}, []int{1}, stream); err == nil || !strings.Contains(err.Error(), "summing: a fake failure") {
			return fmt.Errorf("a sum that was aborted: %w", err)
		}
		if err := c.Sum([]uint64{address(x)}, []int{1}, stream); err == nil || !strings.Contains(err.Error(), "has ended") {
			return fmt.Errorf("a sum after that: %w", err)
		}
		return errors.Join(c.Abort(), c.Err())
	})
}

func TestBadJoin(t *testing.T) {
	id, err := NewID()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Join(id, 2, 2); err == nil || !strings.Contains(err.Error(), "joining as rank 2 of 2: invalid argument") {
		t.Errorf("a rank too high: %v", err)
	}
	if _, err := Join(id[:5], 0, 1); err == nil || !strings.Contains(err.Error(), "5 bytes") {
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
		_, err2 := Join(nil, 0, 1)
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
