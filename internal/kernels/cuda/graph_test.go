//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/cuda/softdevice"

	"gorgonia.org/cu"
)

// accumulate queues launches, fills and copies on its own memory, and returns for x
// [6]: 41 x + 2 (x + 1).
func accumulate(b *Backend, x kernels.Tensor) []float32 {
	y, z, sum := b.Alloc(6), b.Alloc(6), b.Alloc(6)
	b.Copy(y, x)
	for range 40 {
		b.Add(y, y, x, 1)
	}
	b.Fill(z, 1)
	b.ScaleRows(sum, y, z)
	b.Add(z, z, x, 1)
	b.Add(sum, sum, z, 2)
	for _, t := range []kernels.Tensor{y, z} {
		b.Free(t)
	}
	got := downloaded(b, sum)
	b.Free(sum)
	return got
}

// accumulated is what accumulate returns for x.
func accumulated(x []float32) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = 41*v + 2*(v+1)
	}
	return y
}

// Work that is queued repeatedly is launched as a graph, with the current numbers.
func TestGraphs(t *testing.T) {
	needSoftware(t)
	b := open(t, Options{})
	x := b.Alloc(6)
	var calls []int
	for i := range 6 {
		v := numbers(6)
		v[0] = float32(i)
		before := softdevice.Calls()
		b.Upload(x, v)
		if got := accumulate(b, x); !slices.Equal(got, accumulated(v)) {
			t.Fatalf("pass %d: got %v, want %v", i, got, accumulated(v))
		}
		if err := b.Sync(); err != nil {
			t.Fatal(err)
		}
		calls = append(calls, softdevice.Calls()-before)
	}
	if first, last := calls[1], calls[5]; first < 50 || last > 12 || softdevice.Live().Graphs != 1 {
		t.Errorf("driver calls %v with %d graphs; the second pass must launch one by one, the last by one call", calls, softdevice.Live().Graphs)
	}
}

// A kernel that fails in a graph is named like any other, with its shapes.
func TestFaultInGraphNamesItsKernel(t *testing.T) {
	needSoftware(t)
	b := open(t, Options{})
	x := uploaded(b, numbers(6)...)
	for range 4 {
		accumulate(b, x)
	}
	softdevice.Fail("kernel:scale_rows_fwd", 1, 719)
	accumulate(b, x)
	err := b.Sync()
	var fault *Fault
	if !errors.As(err, &fault) || !fault.Lost || !errors.Is(err, cu.LaunchFailed) {
		t.Fatalf("Sync: %v", err)
	}
	if n := strings.Count(fault.Doing, " or in "); n > 7 || !strings.Contains(fault.Doing, "scale_rows_fwd([6], [6], [6], 6, 1)") {
		t.Errorf("Sync: %v; it names %d launches, among them must be scale_rows_fwd", err, n+1)
	}
}

// workInGraphs is work that uses graphs.
func workInGraphs() (right bool, err error) {
	b, err := Open(0, Options{})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	x := uploaded(b, numbers(6)...)
	right = true
	for range 4 {
		right = right && slices.Equal(accumulate(b, x), accumulated(numbers(6)))
	}
	return right, b.Sync()
}

// If there is no memory for a graph, its launches are made one by one.
func TestNoMemoryForGraphs(t *testing.T) {
	needSoftware(t)
	softdevice.Fail("cuGraphInstantiateWithFlags", 1, outOfMemory)
	right, err := workInGraphs()
	fired := softdevice.Fired()
	softdevice.Fail("*", 0, 0)
	if !right || err != nil || !fired || !softdevice.Live().Nothing() {
		t.Errorf("right %v, %v, failed %v; left on the device: %+v", right, err, fired, softdevice.Live())
	}
}

// Each call that makes or launches a graph fails once, in every way: the error says
// what was being done, and nothing is left on the device.
func TestCallsForGraphsMayFail(t *testing.T) {
	needSoftware(t)
	if right, err := workInGraphs(); !right || err != nil {
		t.Fatalf("without a fault: right %v, %v", right, err)
	}
	for _, call := range []string{
		"cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphDestroy",
		"cuGraphLaunch", "cuGraphExecDestroy", "cuMemsetD32Async", "cuMemcpyDtoDAsync_v2",
	} {
		for code, lasting := range injected {
			if call == "cuGraphInstantiateWithFlags" && code == outOfMemory {
				continue // see TestNoMemoryForGraphs
			}
			nth := 1
			if strings.HasPrefix(call, "cuMem") {
				nth = 3 // the first in the capture
			}
			if !failCall(t, fmt.Sprintf("%s, code %d", call, code), call, workInGraphs, nth, code, lasting) {
				t.Errorf("%s was not called", call)
			}
		}
	}
}

// A backend keeps a bounded number of graphs.
func TestGraphsAreForgotten(t *testing.T) {
	needSoftware(t)
	t.Setenv("SOFTDEVICE_IDLE", "1")
	b := open(t, Options{})
	x := b.Alloc(6)
	largest := 0
	for i := range mostInGraphs/firstBatch + 10 {
		for range 2 {
			for range firstBatch {
				b.Add(x, x, x, float32(i))
			}
			if err := b.Sync(); err != nil {
				t.Fatal(err)
			}
		}
		largest = max(largest, softdevice.Live().Graphs)
	}
	if now := softdevice.Live().Graphs; largest != mostInGraphs/firstBatch || now != 10 {
		t.Errorf("%d graphs at most, and %d at the end", largest, now)
	}
}
