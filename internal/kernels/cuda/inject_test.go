//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/cuda/softdevice"

	"gorgonia.org/cu"
)

// work opens a backend, uses every kind of memory and launch operation, and closes it.
// It returns the first error, and whether the numbers were right.
func work(debug bool) (right bool, err error) {
	b, err := Open(0, Options{Debug: debug})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	x, y := b.Alloc(3, 5), b.Alloc(15)
	b.Upload(x, numbers(15))
	b.Fill(y, 1)
	for range 10 { // past a note of progress
		b.Add(y, y, x.Reshape(15), 1)
	}
	z := b.Alloc(15)
	b.Copy(z, y)
	b.Free(y)
	y = b.Alloc(15)
	b.Add(y, z, x.Reshape(15), 1)
	w := b.Alloc(1, 1)
	b.Fill(w, 0)
	b.Conv1x1Grad([]kernels.Tensor{{}}, w, kernels.Tensor{}, z.Reshape(1, 1, 3, 5), w, z.Reshape(1, 1, 3, 5)) // has to request its shared memory
	got := downloaded(b, y)
	if err := b.Sync(); err != nil {
		return false, err
	}
	for i, v := range got {
		if v != float32(11*i+1) {
			return false, nil
		}
	}
	return true, nil
}

const outOfMemory = 2

// injected maps the injected error codes to whether the context is lost after them: no
// memory, unknown, a failed launch, no device.
var injected = map[int]bool{outOfMemory: false, 999: true, 719: true, 46: true}

// Every driver call of a run fails once, in every way: the error is returned, wrong
// numbers are not reported as right, nothing panics, and nothing is left on the device.
// A context that still works must have been emptied by the backend and not by its
// destruction.
func TestEveryCallMayFail(t *testing.T) {
	needSoftware(t)
	for _, debug := range []bool{false, true} {
		before := softdevice.Calls()
		if right, err := work(debug); !right || err != nil {
			t.Fatalf("without a fault: right %v, %v", right, err)
		}
		calls := softdevice.Calls() - before
		if calls < 40 {
			t.Fatalf("only %d calls; the test sees too little", calls)
		}
		for code, lasting := range injected {
			for nth := 1; nth <= calls; nth++ {
				name := fmt.Sprintf("debug %v, code %d, call %d of %d", debug, code, nth, calls)
				failCall(t, name, "*", func() (bool, error) { return work(debug) }, nth, code, lasting)
			}
		}
	}
}

// failCall makes the nth call with that name fail, and reports whether there was one.
func failCall(t *testing.T, name, call string, work func() (right bool, err error), nth, code int, lasting bool) (fired bool) {
	t.Helper()
	reclaimed := softdevice.Live().Reclaimed
	softdevice.Fail(call, nth, code)
	right, err := work()
	fired = softdevice.Fired() // a run that waits less for the device makes fewer calls
	softdevice.Fail("*", 0, 0)
	live := softdevice.Live()
	if !live.Nothing() {
		t.Fatalf("%s: left on the device: %+v", name, live)
	}
	if n := live.Reclaimed - reclaimed; n > 1 && !lasting {
		t.Errorf("%s: %d objects were left to the end of the context", name, n)
	}
	if fired && err == nil {
		t.Errorf("%s: no error; right %v", name, right)
	}
	return fired
}

// Sync names a kernel that fails while it runs, with its shapes, however many launches
// follow it.
func TestAsynchronousFaultNamesItsKernel(t *testing.T) {
	needSoftware(t)
	for _, debug := range []bool{false, true} {
		t.Run(fmt.Sprintf("debug=%v", debug), func(t *testing.T) {
			b := open(t, Options{Debug: debug})
			err := failInAdd(t, b)
			var fault *Fault
			if !errors.As(err, &fault) || !fault.Lost || !errors.Is(err, cu.LaunchFailed) {
				t.Fatalf("Sync: %v", err)
			}
			if n := strings.Count(fault.Doing, " or in "); debug && n > 0 || n > 7 {
				t.Errorf("%d suspects: %v", n+1, err)
			}
			if !strings.Contains(err.Error(), "add_fwd([7], [7], [7], 1, 7)") {
				t.Errorf("Sync: %v; it does not name add_fwd and its shapes", err)
			}
			if again := b.Sync(); !errors.Is(again, err) {
				t.Errorf("the device is lost, and the next Sync says %v", again)
			}
			if got := downloaded(b, b.Alloc(1)); got[0] == got[0] {
				t.Errorf("downloaded %v from a lost device, not NaN", got[0])
			}
		})
	}
}

// failInAdd makes the only Add among many launches fail while it runs.
func failInAdd(t *testing.T, b *Backend) error {
	t.Helper()
	x, y, z := uploaded(b, numbers(6)...), b.Alloc(2, 3), b.Alloc(7)
	b.Fill(z, 0)
	if err := b.Sync(); err != nil {
		t.Fatal(err)
	}
	softdevice.Fail("kernel:add_fwd", 1, 719)
	for range 20 {
		b.SigmoidGate(y, x, x)
	}
	b.Add(z, z, z, 1)
	for range 40 {
		b.SigmoidGate(y, x, x)
	}
	return b.Sync()
}

// A launch that the driver refuses names its kernel too, and the device keeps working.
func TestRefusedLaunch(t *testing.T) {
	needSoftware(t)
	b := open(t, Options{})
	x := uploaded(b, 1, 2, 3)
	b.launch("add_fwd", grid{x: 1, y: 70000, z: 1}, x, x, x, float32(1), int64(3))
	err := b.Sync()
	if !errors.Is(err, cu.InvalidValue) || !strings.Contains(err.Error(), "launching add_fwd([3], [3], [3], 1, 3)") {
		t.Errorf("Sync: %v", err)
	}
	add := b.kernel("add_fwd")
	add.threads *= 2
	b.launch("add_fwd", over(3, perBlock), x, x, x, float32(1), int64(3))
	if err := b.Sync(); !errors.Is(err, cu.LaunchOutOfResources) {
		t.Errorf("more threads than __launch_bounds__: %v", err)
	}
	add.threads /= 2
	b.Add(x, x, x, 0)
	if err := b.Sync(); err != nil {
		t.Errorf("after a refused launch: %v", err)
	}
}

// An image that the driver refuses gives an error that names both releases.
func TestRefusedImage(t *testing.T) {
	needSoftware(t)
	softdevice.Fail("cuModuleLoadData", 2, 222) // unsupported PTX version
	_, err := Open(0, Options{})
	softdevice.Fail("*", 0, 0)
	if says := "compiled by CUDA " + toolkitRelease() + ", by a driver for CUDA 13.0: UnknownErrorCode:222"; err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("Open: %v, want %q", err, says)
	}
	if live := softdevice.Live(); !live.Nothing() {
		t.Errorf("left on the device: %+v", live)
	}
}

// Out of memory: the fault says how much there is, cached memory is freed first, and
// afterwards the device works as before.
func TestOutOfMemory(t *testing.T) {
	needSoftware(t)
	t.Setenv("SOFTDEVICE_MEMORY", "1")
	b := open(t, Options{})
	half := 1 << 17 // elements: half of the memory
	x := b.Alloc(half - 256)
	b.Free(x)
	x = b.Alloc(half + 256) // fits only if the first is freed
	if err := b.Sync(); err != nil {
		t.Fatal(err)
	}
	y := b.Alloc(3, half)
	b.Add(y, y, y, 1)
	b.Free(y)
	err := b.Sync()
	if !errors.Is(err, kernels.ErrMemory) || !strings.Contains(err.Error(), fmt.Sprintf("allocating %v, 1.5 MiB, with 0.5 MiB of 1.0 MiB in tensors", kernels.Shape{3, half})) {
		t.Errorf("Sync: %v", err)
	}
	b.Fill(x, 2)
	if got := downloaded(b, x); got[0] != 2 || b.Sync() != nil {
		t.Errorf("after the fault: %v", got[0])
	}
	if live, peak, total := b.MemoryUse(); live != 4*int64(half+256) || peak < live || total != 1<<20 {
		t.Errorf("MemoryUse: %d, %d, %d", live, peak, total)
	}
}
