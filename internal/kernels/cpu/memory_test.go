package cpu

import (
	"testing"
	"unsafe"

	"clusir/internal/kernels"
	"clusir/internal/sysmem"
)

// TestBlocks: a freed block serves smaller ones, and once they are freed, its like again.
func TestBlocks(t *testing.T) {
	b := open(t, 1, "")
	start := func(t kernels.Tensor) uintptr { return uintptr(unsafe.Pointer(&Floats(t)[0])) }
	const n = 1 << 20
	whole := b.Alloc(n)
	first := start(whole)
	b.Free(whole)
	parts := []kernels.Tensor{b.Alloc(n / 4), b.Alloc(n / 2), b.Alloc(n / 4)}
	for i, want := range []uintptr{0, n / 4, n / 4 * 3} {
		if got := start(parts[i]) - first; got != 4*want {
			t.Errorf("part %d lies %d bytes into the freed block, want %d", i, got, 4*want)
		}
	}
	for _, i := range []int{0, 2, 1} { // the last has vacant neighbours on both sides
		b.Free(parts[i])
	}
	again := b.Alloc(n)
	defer b.Free(again)
	if start(again) != first {
		t.Error("the joined parts do not serve a block of their size")
	}
}

// TestPagesAreGivenBack: what was freed and the next peak do not add up, even if a part of
// what was freed is in use again.
func TestPagesAreGivenBack(t *testing.T) {
	const megabyte = 1 << 20 / 4 // floats
	b := open(t, 1, "")
	before := sysmem.RSS()
	if before == 0 {
		t.Skip("only Linux says how much memory a process occupies")
	}
	first := b.Alloc(64 * megabyte)
	b.Fill(first, 1)
	b.Free(first)
	part := b.Alloc(megabyte)
	b.Fill(part, 1)
	second := b.Alloc(80 * megabyte)
	b.Fill(second, 1)
	if grown := (sysmem.RSS() - before) >> 20; grown > 125 {
		t.Errorf("%d MB are resident, where 81 are in use and 32 may be kept", grown)
	}
	b.Free(part)
	b.Free(second)
}
