package ref

import "clusir/internal/kernels"

// Add computes y = a + b.
func (*Backend) Add(y, a, b kernels.Tensor) {
	bv, r := values(b, a.Len()), values(y, a.Len())
	for i, v := range values(a) {
		r[i] = v + bv[i]
	}
}

// Axpy computes y += a·x.
func (*Backend) Axpy(y, x kernels.Tensor, a float32) {
	addScaled(values(y, x.Len()), float64(a), values(x))
}
