package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// size returns the number of elements of t, for C.
func size(t kernels.Tensor) C.int64_t { return dim(t.Len()) }

// Add computes y = a + c.
func (b *Backend) Add(y, a, c kernels.Tensor) {
	C.clusir_add(b.ctx, ptr(y), ptr(a), ptr(c), size(y))
}

// Axpy computes y += a·x.
func (b *Backend) Axpy(y, x kernels.Tensor, a float32) {
	C.clusir_axpy(b.ctx, ptr(y), ptr(x), C.float(a), size(y))
}
