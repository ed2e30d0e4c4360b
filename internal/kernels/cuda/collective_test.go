//go:build cuda

package cuda

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"clusir/internal/kernels"
	"clusir/internal/kernels/cuda/softdevice"

	"gorgonia.org/cu"
)

// fakeNCCL makes the package load the stand-in for NCCL.
func fakeNCCL(t *testing.T) {
	t.Helper()
	lib := filepath.Join(t.TempDir(), "libnccl.so.2")
	if out, err := exec.Command("gcc", "-std=gnu11", "-O1", "-shared", "-fPIC", "-pthread", "-o", lib, "nccl/testdata/fake.c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("CLUSIR_LIBNCCL", lib)
}

// TestRanks adds up tensors of two backends in one process, with the stand-in for NCCL
// of package nccl's tests, which works on the software device's memory.
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
	if err := b.JoinRanks(context.Background(), id, rank, 2, time.Minute); err != nil {
		return err
	}
	x, y, z := uploaded(b, 1, float32(rank)), uploaded(b, float32(10*rank)), uploaded(b, 0, 0)
	if err := b.Sync(); err != nil { // the stand-in does not wait for the stream
		return err
	}
	b.SumRanks(x, y)
	b.AwaitRanks()
	b.Add(z, x, x, 1)
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

// TestRanksNeedNotWait: a rank that nobody joins, or whose neighbour dies while it
// waits for a sum, gets an error that names it, and the device works as before.
func TestRanksNeedNotWait(t *testing.T) {
	needSoftware(t)
	fakeNCCL(t)
	b := open(t, Options{})
	id, err := b.RanksID()
	if err != nil {
		t.Fatal(err)
	}
	err = b.JoinRanks(t.Context(), id, 0, 2, 50*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "cuda:0: NCCL: joining: rank 0 of 2 has waited 50ms: another rank is not there") {
		t.Errorf("nobody came, and joining said: %v", err)
	}

	backends := []*Backend{open(t, Options{}), open(t, Options{})}
	if id, err = b.RanksID(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	xs, errs := make([]kernels.Tensor, 2), make([]error, 2)
	for rank, b := range backends {
		wg.Go(func() {
			errs[rank] = b.JoinRanks(t.Context(), id, rank, 2, time.Minute)
			xs[rank] = uploaded(b, 1)
			errs[rank] = errors.Join(errs[rank], b.Sync())
			b.SumRanks(xs[rank])
			b.do(func() { // until it is done, as the stand-in does it
				for errors.Is(b.ranks.summed.Query(), cu.NotReady) {
					runtime.Gosched()
				}
			})
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	backends[1].AbortRanks()
	softdevice.Fail("cuEventQuery", 1, 600) // the sum is not done yet
	err = backends[0].Sync()
	softdevice.Fail("*", 0, 0)
	if err == nil || !strings.Contains(err.Error(), "cuda:0: summing over the ranks: NCCL: waiting for sums as rank 0 of 2: remote process exited") {
		t.Errorf("the other rank died, and Sync said: %v", err)
	}
	y := uploaded(backends[0], 2)
	if got := downloaded(backends[0], y); got[0] != 2 || backends[0].Sync() != nil {
		t.Errorf("after that the device holds %v", got)
	}
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
	if err := b.JoinRanks(context.Background(), id, 0, 1, time.Minute); err != nil {
		return false, err
	}
	x := uploaded(b, 3)
	b.SumRanks(x)
	b.AwaitRanks()
	got := downloaded(b, x)
	return got[0] == 3, errors.Join(b.Sync(), b.LeaveRanks())
}

// TestOneRank: a group of one adds up with the library in CLUSIR_LIBNCCL, NCCL itself
// on a GPU, or else the stand-in.
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
			failCall(t, fmt.Sprintf("code %d, call %d of %d", code, nth, calls), "*", sumAlone, nth, code, lasting)
		}
	}
}
