package ref

import "clusir/internal/kernels"

// Add computes y = a + s·b.
func (*Backend) Add(y, a, b kernels.Tensor, s float32) {
	r := values(y, b.Len())
	copy(r, values(a, b.Len()))
	addScaled(r, float64(s), values(b))
}
