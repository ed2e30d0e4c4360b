package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// L1 is the mean of |x − t|.
func (b *Backend) L1(y, x, t kernels.Tensor) {
	C.clusir_l1(b.ctx, ptr(y), ptr(x), ptr(t), size(x))
}

// L1Grad is the gradient of L1.
func (b *Backend) L1Grad(dx, dy, x, t kernels.Tensor) {
	if !dx.IsZero() {
		C.clusir_l1_grad(b.ctx, ptr(dx), ptr(dy), ptr(x), ptr(t), size(x))
	}
}

// Orthogonality is how far the rows of p are from orthogonal.
func (b *Backend) Orthogonality(y, p kernels.Tensor) {
	C.clusir_orthogonality(b.ctx, ptr(y), ptr(p), dim(p.Shape[0]), dim(p.Shape[1]))
}

// OrthogonalityGrad is the gradient of Orthogonality.
func (b *Backend) OrthogonalityGrad(dp, dy, p kernels.Tensor) {
	if !dp.IsZero() {
		C.clusir_orthogonality_grad(b.ctx, ptr(dp), ptr(dy), ptr(p), dim(p.Shape[0]), dim(p.Shape[1]))
	}
}
