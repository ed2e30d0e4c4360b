package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// L1 is the mean of |x − t|.
func (b *Backend) L1(y, x, t kernels.Tensor) {
	C.clusir_l1(b.ctx, view(y), view(x), view(t))
}

// L1Grad is the gradient of L1.
func (b *Backend) L1Grad(dx, dy, x, t kernels.Tensor) {
	C.clusir_l1_grad(b.ctx, view(dx), view(dy), view(x), view(t))
}

// Orthogonality measures how far the rows of p are from orthogonal.
func (b *Backend) Orthogonality(y, p kernels.Tensor) {
	C.clusir_orthogonality(b.ctx, view(y), view(p))
}

// OrthogonalityGrad is the gradient of Orthogonality.
func (b *Backend) OrthogonalityGrad(dp, dy, p kernels.Tensor) {
	C.clusir_orthogonality_grad(b.ctx, view(dp), view(dy), view(p))
}
