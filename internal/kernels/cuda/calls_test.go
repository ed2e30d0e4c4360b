//go:build cuda

package cuda

import (
	"syscall"
	"testing"
	"time"

	"clusir/internal/arch"
	"clusir/internal/kernels/cuda/softdevice"
)

// processorTime returns the CPU time that this process has used.
func processorTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// The largest number of driver calls of a pass that is launched as graphs; see
// docs/roofline.md.
const mostStepCalls, mostInferenceCalls = 50, 10

// TestDriverCalls limits the base model's passes, once they are launched as graphs, to
// few driver calls and, for inference, little host time, on a device that accepts
// launches and does nothing. The time is CPU time, the minimum of several passes.
func TestDriverCalls(t *testing.T) {
	needSoftware(t)
	if softdevice.Checked() {
		t.Skip("the fast build of the software device shows the same")
	}
	t.Setenv("SOFTDEVICE_IDLE", "1")
	for _, c := range []struct {
		what  string
		pass  timedCase
		calls int
		host  time.Duration
	}{
		{"a step of training, batch 12 at 128²", timedCase{TF32, true, 12, 128, 128}, mostStepCalls, 100 * time.Millisecond},
		{"inference at 256²", timedCase{TF32, false, 1, 256, 256}, mostInferenceCalls, 20 * time.Millisecond},
	} {
		b := open(t, Options{Precision: c.pass.precision})
		run := newPass(t, b, arch.Base(), c.pass)
		pass := func() {
			run()
			if err := b.Sync(); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 { // allocates; launches; makes graphs
			pass()
		}
		calls, shortest := 0, time.Hour
		for range 10 {
			before, start := softdevice.Calls(), processorTime(t)
			pass()
			calls, shortest = softdevice.Calls()-before, min(shortest, processorTime(t)-start)
		}
		t.Logf("%s: %d driver calls, %v of the host", c.what, calls, shortest)
		if calls > c.calls || shortest > c.host {
			t.Errorf("%s: %d driver calls, %d are allowed; %v, and %v are", c.what, calls, c.calls, shortest, c.host)
		}
	}
}
