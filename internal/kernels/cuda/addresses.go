//go:build cuda

package cuda

import (
	"unsafe"

	"clusir/internal/kernels"
)

// tables holds what kernels read of tensors whose number varies, by content: tables
// of addresses in device memory. The weights and their gradients stay where they
// are, so that from the second step on nothing is uploaded.
type tables map[string]kernels.Tensor

// mostTables is how many are kept from one Sync to the next. A program that makes
// networks and drops them leaves tables behind that nobody asks for again.
const mostTables = 1 << 12

// table returns device memory with these words, of which there are some. It is the
// backend's, and holds until the next Sync.
func (b *Backend) table(words []uint64) kernels.Tensor {
	key := string(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 8*len(words)))
	if t, ok := b.tables[key]; ok {
		return t
	}
	t := b.Alloc(len(words), 2)
	b.Upload(t, unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(words))), 2*len(words)))
	if b.tables == nil {
		b.tables = tables{}
	}
	b.tables[key] = t
	return t
}

// dropTables forgets all tables. After a fault some may not have been uploaded.
func (b *Backend) dropTables() {
	for _, t := range b.tables {
		b.Free(t)
	}
	clear(b.tables)
}

// addresses returns a table with the addresses of ts, null for those that are
// absent: what a kernel takes as float* const*. See table for how long it holds.
func (b *Backend) addresses(ts ...kernels.Tensor) kernels.Tensor {
	bits := make([]uint64, len(ts))
	for i, t := range ts {
		bits[i] = b.argument(t).bits
	}
	return b.table(bits)
}
