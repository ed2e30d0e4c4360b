//go:build cuda

package cuda

import (
	"testing"

	"clusir/internal/kernels"
)

// Freed memory serves the next allocation of about its size, and no other.
func TestCacheReuse(t *testing.T) {
	b := open(t, Options{})
	address := func(x kernels.Tensor) any { return b.buffer(x).addr }
	x := b.Alloc(1000)
	first := address(x)
	b.Free(x)
	small := b.Alloc(10)
	if address(small) == first {
		t.Error("10 numbers were put where 1000 were")
	}
	again := b.Alloc(5, 199)
	if address(again) != first {
		t.Error("the memory of 1000 numbers was not used for 995")
	}
	live, peak, _ := b.MemoryUse()
	b.Free(small)
	b.Free(again)
	if now, peakNow, _ := b.MemoryUse(); now >= live || peakNow != peak || now != 0 {
		t.Errorf("in use after freeing everything: %d, peak %d then %d", now, peak, peakNow)
	}
}

// Transfers of more than one pinned buffer, back and forth without waiting.
func TestLargeTransfers(t *testing.T) {
	b := open(t, Options{})
	n := chunk/4*2 + 5
	v := numbers(n)
	x, y := b.Alloc(n), b.Alloc(3)
	for i := range 5 {
		b.Upload(y, []float32{float32(i), 1, 2})
	}
	b.Upload(x, v)
	clear(v)
	got := downloaded(b, x)
	for i, want := range numbers(n) {
		if got[i] != want {
			t.Fatalf("element %d: got %v, want %v", i, got[i], want)
		}
	}
	if got := downloaded(b, y); got[0] != 4 {
		t.Errorf("the last of five uploads is %v, want 4", got[0])
	}
	if err := b.Sync(); err != nil {
		t.Error(err)
	}
}

// Two devices in one process work at the same time and independently.
func TestTwoDevices(t *testing.T) {
	needSoftware(t)
	t.Setenv("SOFTDEVICE_COUNT", "2")
	var bs []*Backend
	var xs []kernels.Tensor
	for i := range 2 {
		b, err := Open(i, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		bs, xs = append(bs, b), append(xs, uploaded(b, float32(i), 1))
	}
	for range 100 {
		for i, b := range bs {
			b.Axpy(xs[i], xs[i], 0)
			b.Axpy(xs[i], xs[i], 0)
		}
	}
	for i, b := range bs {
		if got := downloaded(b, xs[i]); got[0] != float32(i) || b.Sync() != nil {
			t.Errorf("device %d holds %v", i, got)
		}
	}
}
