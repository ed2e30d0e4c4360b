//go:build cuda

package cuda

import "clusir/internal/kernels"

// perBlock is how many numbers a block of a pointwise kernel handles.
const perBlock = 1024

// Add computes y = a + b.
func (b *Backend) Add(y, a, c kernels.Tensor) {
	same("Add", y, a, c)
	n := y.Len()
	b.launch("add_fwd", over(n, perBlock), y, a, c, int64(n))
}

// Axpy computes y += a·x.
func (b *Backend) Axpy(y, x kernels.Tensor, a float32) {
	same("Axpy", y, x)
	n := y.Len()
	b.launch("axpy_fwd", over(n, perBlock), y, x, a, int64(n))
}
