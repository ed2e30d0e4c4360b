//go:build cuda

package cuda

import (
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"clusir/internal/kernels"
	"clusir/internal/kernels/cuda/softdevice"
)

// Mistakes in the dispatch of a kernel panic with a message that says what is wrong.
func TestDispatchMistakes(t *testing.T) {
	b := open(t, Options{})
	x := b.Alloc(8)
	freed := b.Alloc(8)
	b.Free(freed)
	for _, c := range []struct {
		name string
		do   func()
		says string
	}{
		{"no such kernel", func() { b.launch("nope_fwd", over(8, 8), x) }, "has a kernel nope_fwd"},
		{"a kernel of no image", func() { b.launch("fault_load", one, x, x, int64(0)) }, "has a kernel fault_load"},
		{"too few arguments", func() { b.launch("add_fwd", over(8, 8), x, x) }, "add_fwd has 5 parameters and was given 2"},
		{"int for long long", func() { b.launch("add_fwd", over(8, 8), x, x, x, float32(1), 8) }, "parameter 4 of add_fwd has 8 bytes, the argument 8 has 4"},
		{"a large int", func() { b.launch("add_fwd", over(8, 8), x, x, x, float32(1), 1<<31) }, "2147483648 does not fit an int"},
		{"a type of no kernel", func() { b.launch("add_fwd", over(8, 8), x, x, x, 1.5, 8) }, "type float64"},
		{"a freed tensor", func() { b.Add(x, x, freed, 1) }, "use of a freed tensor [8]"},
		{"freed twice", func() { b.Free(freed) }, "use of a freed tensor [8]"},
		{"a shape that does not fit", func() { b.Fill(kernels.Tensor{Shape: kernels.Shape{9}, Data: x.Data}, 0) }, "[9] in 32 bytes"},
		{"shapes that differ", func() { b.Add(x, x, b.Alloc(7), 1) }, "Add: tensors of shapes [[8] [7]] do not fit"},
		{"an absent operand", func() { b.Add(x, x, kernels.Tensor{}, 1) }, "Add: tensors of shapes [[8] []] do not fit"},
		{"too few numbers", func() { b.Upload(x, make([]float32, 7)) }, "Upload: a tensor of shape [8] and 7 numbers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if p, _ := recover().(string); !strings.Contains(p, c.says) {
					t.Errorf("panic %q, want %q", p, c.says)
				}
			}()
			c.do()
			t.Error("no panic")
		})
	}
	b.launch("add_fwd", over(0, 8), x, x, x, float32(1), int64(0)) // nothing to do
	if err := b.Sync(); err != nil {
		t.Error(err)
	}
}

// More than 48 KB of shared memory must be requested, which launch does.
func TestMuchSharedMemory(t *testing.T) {
	needSoftware(t)
	b := open(t, Options{})
	addFaults(t, b)
	y := b.Alloc(32)
	b.launch("fault_dynamic", one.sharing(100<<10), y, 0)
	b.launch("fault_dynamic", one.sharing(60<<10), y, 0)
	if err := b.Sync(); err != nil {
		t.Error(err)
	}
	b.launch("fault_dynamic", one.sharing(200<<10), y, 0)
	if err := b.Sync(); err == nil || !strings.Contains(err.Error(), "giving fault_dynamic([32], 0) 204800 bytes of shared memory") {
		t.Errorf("Sync: %v", err)
	}
}

// Launches during a collection must not store pointers in C's memory over what lies there:
// the collector would take that for pointers, and die of those to objects that are free.
func TestLaunchDuringCollection(t *testing.T) {
	b := open(t, Options{})
	x := b.Alloc(8)
	type object [8]*int
	var live []*object // enough for collections to take a while
	for range 1 << 20 {
		live = append(live, new(object))
	}
	free := make([]uint64, 256) // between objects in use, as a span without any would be gone
	for i := range free {
		o := new(object)
		free[i] = uint64(uintptr(unsafe.Pointer(o)))
		live = append(live, o, new(object))
		live[len(live)-2] = nil
	}
	runtime.GC()
	runtime.GC()
	collected := make(chan struct{})
	end := time.Now().Add(3 * time.Second)
	go func() {
		defer close(collected)
		for time.Now().Before(end) {
			runtime.GC()
		}
	}()
	for time.Now().Before(end) {
		b.post(func() { softdevice.Litter(free) })
		b.Add(x, x, x, 1)
		if err := b.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	<-collected
	runtime.KeepAlive(live)
}
