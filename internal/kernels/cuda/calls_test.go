//go:build cuda

package cuda

import (
	"testing"

	"clusir/internal/arch"
	"clusir/internal/kernels/cuda/softdevice"
)

// driverCalls is how often the driver is called for launches and transfers: once, for
// every eighth launch once more, to note how far the device is, and for an upload
// three times, since a buffer must be free and its end be noted.
func driverCalls(costs map[string]cost) (calls int64) {
	launches := int64(0)
	for name, c := range costs {
		switch {
		case name == "upload":
			calls += 3 * c.launches
		case transfer(name):
			calls += c.launches
		default:
			launches += c.launches
		}
	}
	return calls + launches + launches/8
}

// TestDriverCalls holds the driver calls of the base model's passes, counted, to what
// they have come down to.
func TestDriverCalls(t *testing.T) {
	for _, c := range []struct {
		what string
		pass timedCase
		most int64
	}{
		{"a step of training, batch 12 at 128²", timedCase{TF32, true, 12, 128, 128}, 4900},
		{"inference at 256²", timedCase{TF32, false, 1, 256, 256}, 1300},
	} {
		got := driverCalls(countPass(t, c.pass))
		t.Logf("%s: %d driver calls", c.what, got)
		if got > c.most {
			t.Errorf("%s takes %d driver calls, more than %d", c.what, got, c.most)
		}
	}
}

// TestCallsAreCounted: a step on the software device calls the driver as often as is
// counted without one. It need not wait for buffers as often as it might.
func TestCallsAreCounted(t *testing.T) {
	needSoftware(t)
	config, cases := timedCases()
	b := open(t, Options{Precision: cases[0].precision})
	pass := newPass(t, b, config, cases[0])
	pass()
	if err := b.Sync(); err != nil {
		t.Fatal(err)
	}
	n := newCounter(t, a100, arch.Base())
	b.watch = n.add
	before := softdevice.Calls()
	pass()
	if err := b.Sync(); err != nil {
		t.Fatal(err)
	}
	got, want := int64(softdevice.Calls()-before), driverCalls(n.costs)
	if got < want*98/100 || got > want*102/100 {
		t.Errorf("%d driver calls, and %d are counted", got, want)
	}
}
