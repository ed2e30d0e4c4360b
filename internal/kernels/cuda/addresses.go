//go:build cuda

package cuda

import (
	"slices"
	"unsafe"

	"clusir/internal/kernels"
)

// tables holds, by content, tables of addresses in device memory, which kernels read to
// find a variable number of tensors. The weights and their gradients stay in place, so
// that nothing is uploaded from the second step on.
type tables map[string]kernels.Tensor

// mostTables is how many tables are kept from one Sync to the next. A program that
// makes and drops networks leaves tables behind that are not used again.
const mostTables = 1 << 12

// table returns device memory with these words; there must be at least one. The backend
// owns it, and it is valid until the next Sync.
func (b *Backend) table(words []uint64) kernels.Tensor {
	key := string(bytesOf(words))
	if t, ok := b.tables[key]; ok {
		return t
	}
	t := b.Alloc(len(words), 2)
	b.Upload(t, unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(words))), 2*len(words)))
	b.tables[key] = t
	return t
}

// addresses returns a table with the addresses of ts, null for absent ones: a kernel's
// float* const* argument. It is absent if all of them are. See table for its lifetime.
func (b *Backend) addresses(ts ...kernels.Tensor) kernels.Tensor {
	if !slices.ContainsFunc(ts, func(t kernels.Tensor) bool { return !t.IsZero() }) {
		return kernels.Tensor{}
	}
	bits := make([]uint64, len(ts))
	for i, t := range ts {
		bits[i] = b.argument(t).bits
	}
	return b.table(bits)
}
