package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// Add computes y = a + c.
func (b *Backend) Add(y, a, c kernels.Tensor) {
	C.clusir_add(b.ctx, view(y), view(a), view(c))
}

// Axpy computes y += a·x.
func (b *Backend) Axpy(y, x kernels.Tensor, a float32) {
	C.clusir_axpy(b.ctx, view(y), view(x), C.float(a))
}
