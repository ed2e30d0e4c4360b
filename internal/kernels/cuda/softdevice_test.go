//go:build cuda

package cuda

import (
	"errors"
	"strings"
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/cuda/softdevice"

	"gorgonia.org/cu"
)

// planted is a kernel of faults.cu. x holds 64 numbers and y 128, in allocations of
// exactly their size.
type planted struct {
	kernel string
	grid   grid
	args   func(y, x kernels.Tensor) []any
	err    error  // what Sync must report
	says   string // part of the device's message
	build  string // the build that finds it: checked, or any
}

func yx(y, x kernels.Tensor) []any { return []any{y, x} }
func y(y, _ kernels.Tensor) []any  { return []any{y} }
func xyAt(i int64) func(y, x kernels.Tensor) []any {
	return func(y, x kernels.Tensor) []any { return []any{x, y, i} }
}
func yAt(i int64) func(y, x kernels.Tensor) []any {
	return func(y, _ kernels.Tensor) []any { return []any{y, i} }
}
func ySteps(i int) func(y, x kernels.Tensor) []any {
	return func(y, _ kernels.Tensor) []any { return []any{y, i} }
}
func total(y, x kernels.Tensor) []any { return []any{y, x, 64} }

// Grids of one and two blocks.
var one, two = over(1, 1), over(2, 1)

func (g grid) sharing(bytes int) grid {
	g.shared = bytes
	return g
}

var faults = []planted{
	{"fault_load", one, xyAt(64), cu.IllegalAddress, "illegal|out of bounds", "any"},
	{"fault_load", one, xyAt(-1), cu.IllegalAddress, "out of bounds", "checked"},
	{"fault_load", one, xyAt(1 << 40), cu.IllegalAddress, "illegal|out of bounds", "any"},
	{"fault_store", one, yAt(128), cu.IllegalAddress, "illegal|out of bounds", "any"},
	{"fault_store", one, yAt(-1000), cu.IllegalAddress, "illegal|out of bounds", "any"},
	{"fault_load4", one, xyAt(64), cu.IllegalAddress, "illegal|out of bounds", "any"},
	{"fault_load4", one, xyAt(62), cu.MisalignedAddress, "no multiple", "checked"},
	{"fault_copy", one, xyAt(64), cu.IllegalAddress, "illegal|out of bounds", "any"},
	{"fault_copy", one, xyAt(61), cu.MisalignedAddress, "cp.async", "any"},
	{"fault_shared", one, ySteps(1), cu.IllegalAddress, "index 32 is outside its array", "checked"},
	{"fault_dynamic", one.sharing(128), ySteps(1), cu.IllegalAddress, "illegal|out of bounds", "any"},
	{"fault_atomic", one, yAt(128), cu.IllegalAddress, "illegal|out of bounds", "any"},

	{"fault_barrier", one, yx, cu.LaunchFailed, "race|nothing has written", "checked"},
	{"fault_syncwarp", one, yx, cu.LaunchFailed, "race|nothing has written", "checked"},
	{"fault_reuse", one, yx, cu.LaunchFailed, "race", "checked"},
	{"fault_shuffle_order", one, yx, cu.LaunchFailed, "race|nothing has written", "checked"},
	{"fault_blocks", two, total, cu.LaunchFailed, "race", "checked"},
	{"fault_fence", two, lastBlock, cu.LaunchFailed, "race", "checked"},
	{"fault_last_reader", over(5, 1), yCounter, cu.LaunchFailed, "race", "checked"},

	{"fault_divergent", one, y, cu.LaunchFailed, "deadlock", "any"},
	{"fault_return", one, y, cu.LaunchFailed, "1 have returned", "any"},
	{"fault_mask", one, y, cu.LaunchFailed, "takes no part", "any"},
	{"fault_unwritten", one, y, cu.LaunchFailed, "nothing has written", "checked"},
}

// lastBlock's arguments are y, the sums (after it in y), a counter, x and n.
func lastBlock(y, x kernels.Tensor) []any { return []any{y, from{y, 8}, from{y, 16}, x, 64} }

// yCounter's arguments are y and a counter after it.
func yCounter(y, _ kernels.Tensor) []any { return []any{y, from{y, 8}} }

// runPlanted launches a planted kernel on its own backend.
func runPlanted(t *testing.T, p planted) (*Backend, kernels.Tensor, error) {
	needSoftware(t)
	b := open(t, Options{Debug: true})
	addFaults(t, b)
	x, y := uploaded(b, numbers(64)...), b.Alloc(128)
	b.Fill(y, 0)
	b.launch(p.kernel, p.grid, p.args(y, x)...)
	return b, y, b.Sync()
}

func TestPlantedFaultsAreFound(t *testing.T) {
	for _, p := range faults {
		t.Run(p.kernel, func(t *testing.T) {
			needSoftware(t)
			if p.build == "checked" && !softdevice.Checked() {
				t.Skip("for the checked build of the software device")
			}
			_, _, err := runPlanted(t, p)
			if !errors.Is(err, p.err) {
				t.Fatalf("Sync: %v, want %v", err, p.err)
			}
			if !strings.Contains(err.Error(), p.kernel+"([") {
				t.Errorf("Sync: %v; it does not name %s and its shapes", err, p.kernel)
			}
			if said := softdevice.Message(); !says(said, p.kernel) || !says(said, p.says) {
				t.Errorf("the device says %q, want %s and %q", said, p.kernel, p.says)
			}
		})
	}
}

// says reports whether text has one of the alternatives in pattern.
func says(text, pattern string) bool {
	for _, p := range strings.Split(pattern, "|") {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// A missing wait shows as a wrong result; the checked build names it.
func TestMissingWaitShows(t *testing.T) {
	b, y, err := runPlanted(t, planted{kernel: "fault_wait", grid: one, args: yx})
	if softdevice.Checked() {
		if said := softdevice.Message(); !errors.Is(err, cu.LaunchFailed) || !says(said, "in flight") {
			t.Errorf("Sync: %v, want %v; the device says %q", err, cu.LaunchFailed, said)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := downloaded(b, y)[1]; got == 1 {
		t.Errorf("y[1] is %v although nothing waited for it", got)
	}
}

func TestFairKernelsPass(t *testing.T) {
	reversed := func(i int) float32 { return float32(63 - i) }
	shifted := func(i int) float32 { return float32((i + 3) % 32) }
	copied := func(i int) float32 {
		if i < 62 {
			return float32(i)
		}
		return 0
	}
	sum := func(int) float32 { return 64 * 63 / 2 }
	for _, c := range []struct {
		planted
		n    int
		want func(i int) float32
	}{
		{planted{kernel: "fair_barrier", grid: one, args: yx}, 64, reversed},
		{planted{kernel: "fair_syncwarp", grid: one, args: yx}, 32, shifted},
		{planted{kernel: "fair_atomic", grid: two, args: total}, 1, sum},
		{planted{kernel: "fair_fence", grid: two, args: lastBlock}, 1, sum},
		{planted{kernel: "fair_last_reader", grid: over(5, 1), args: yCounter}, 1, func(int) float32 { return 1 }},
		{planted{kernel: "fair_wait", grid: one, args: yx}, 64, copied},
		{planted{kernel: "fair_return", grid: one, args: ySteps(20)}, 20, func(int) float32 { return 20 }},
		{planted{kernel: "fair_groups", grid: one, args: y}, 8, func(i int) float32 { return float32(i) + 24 }},
	} {
		t.Run(c.kernel, func(t *testing.T) {
			b, y, err := runPlanted(t, c.planted)
			if err != nil {
				t.Fatalf("%v: %s", err, softdevice.Message())
			}
			for i, v := range downloaded(b, y)[:c.n] {
				if want := c.want(i); v != want {
					t.Fatalf("y[%d] is %v, want %v", i, v, want)
				}
			}
		})
	}
}
