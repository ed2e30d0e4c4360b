//go:build cuda

package cuda

import (
	"unsafe"

	"clusir/internal/kernels"
)

// addresses returns memory with the addresses of ts, null for those that are
// absent: what a kernel takes as float* const* for tensors whose number varies.
// It must be freed.
func (b *Backend) addresses(ts ...kernels.Tensor) kernels.Tensor {
	bits := make([]uint64, len(ts))
	for i, t := range ts {
		bits[i] = b.argument(t).bits
	}
	table := b.Alloc(len(ts), 2)
	b.Upload(table, unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(bits))), 2*len(bits)))
	return table
}
