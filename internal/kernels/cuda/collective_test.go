//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"clusir/internal/kernels/cuda/softdevice"
)

// fakeNCCL makes the stand-in for NCCL what the package loads.
func fakeNCCL(t *testing.T) {
	t.Helper()
	lib := filepath.Join(t.TempDir(), "libnccl.so.2")
	if out, err := exec.Command("gcc", "-std=gnu11", "-O1", "-shared", "-fPIC", "-pthread", "-o", lib, "nccl/testdata/fake.c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("CLUSIR_LIBNCCL", lib)
}

// TestRanks adds up tensors of two backends in one process, by the stand-in for
// NCCL of package nccl's tests, which works on the software device's memory.
func TestRanks(t *testing.T) {
	needSoftware(t)
	fakeNCCL(t)
	backends := []*Backend{open(t, Options{}), open(t, Options{})}
	if err := backends[0].RanksReady(); err != nil {
		t.Fatal(err)
	}
	id, err := backends[0].RanksID()
	if err != nil {
		t.Fatal(err)
	}
	errs := make([]error, len(backends))
	var wg sync.WaitGroup
	for rank, b := range backends {
		wg.Go(func() { errs[rank] = sumOnRank(b, id, rank) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

func sumOnRank(b *Backend, id []byte, rank int) error {
	if err := b.JoinRanks(id, rank, 2); err != nil {
		return err
	}
	x, y, z := uploaded(b, 1, float32(rank)), uploaded(b, float32(10*rank)), uploaded(b, 0, 0)
	if err := b.Sync(); err != nil { // the stand-in does not wait for the stream
		return err
	}
	b.SumRanks(x, y)
	b.AwaitRanks()
	b.Add(z, x, x)
	got := make([]float32, 2)
	b.Download(got, z)
	if err := errors.Join(b.Sync(), b.LeaveRanks()); err != nil {
		return err
	}
	if got[0] != 4 || got[1] != 2 {
		return fmt.Errorf("rank %d: twice the sums are %v, want [4 2]", rank, got)
	}
	b.SumRanks(x)
	if err := b.Sync(); err == nil || !strings.Contains(err.Error(), "summing 1 tensors over the ranks: NCCL: the group has ended") {
		return fmt.Errorf("rank %d: a sum after leaving: %w", rank, err)
	}
	return nil
}

// sumAlone opens a backend that is the only one to add up, and closes it.
func sumAlone() (right bool, err error) {
	b, err := Open(0, Options{})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	id, err := b.RanksID()
	if err != nil {
		return false, err
	}
	if err := b.JoinRanks(id, 0, 1); err != nil {
		return false, err
	}
	x := uploaded(b, 3)
	b.SumRanks(x)
	b.AwaitRanks()
	got := downloaded(b, x)
	return got[0] == 3, errors.Join(b.Sync(), b.LeaveRanks())
}

// TestOneRank: a group of one adds up by the library that CLUSIR_LIBNCCL names, NCCL
// itself on a GPU, else by the stand-in.
func TestOneRank(t *testing.T) {
	if os.Getenv("CLUSIR_LIBNCCL") == "" {
		needSoftware(t)
		fakeNCCL(t)
	}
	if right, err := sumAlone(); !right || err != nil {
		t.Errorf("right %v, %v", right, err)
	}
}

// TestEveryCallOfRanksMayFail is TestEveryCallMayFail for the calls of adding up.
func TestEveryCallOfRanksMayFail(t *testing.T) {
	needSoftware(t)
	fakeNCCL(t)
	before := softdevice.Calls()
	if right, err := sumAlone(); !right || err != nil {
		t.Fatalf("without a fault: right %v, %v", right, err)
	}
	calls := softdevice.Calls() - before
	for code, lasting := range injected {
		for nth := 1; nth <= calls; nth++ {
			failOnce(t, fmt.Sprintf("code %d, call %d of %d", code, nth, calls), sumAlone, nth, code, lasting)
		}
	}
}
