package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// The adjoint of each transform is the other transform with its inner columns, which
// stand for two of the full spectrum each, weighted by 2 or 1/2.

// RFFT2 is the orthonormal 2-D FFT.
func (b *Backend) RFFT2(z, x kernels.Tensor) { b.rfft2(z, x, 1, 0) }

// RFFT2Grad is the gradient of RFFT2.
func (b *Backend) RFFT2Grad(dx, dz kernels.Tensor) { b.irfft2(dx, dz, 0.5, 1) }

// IRFFT2 is the orthonormal inverse of RFFT2.
func (b *Backend) IRFFT2(x, z kernels.Tensor) { b.irfft2(x, z, 1, 0) }

// IRFFT2Grad is the gradient of IRFFT2.
func (b *Backend) IRFFT2Grad(dz, dx kernels.Tensor) { b.rfft2(dz, dx, 2, 1) }

func (b *Backend) rfft2(z, x kernels.Tensor, inner C.float, add C.int) {
	C.clusir_rfft2(b.ctx, view(z), view(x), inner, add)
}

func (b *Backend) irfft2(x, z kernels.Tensor, inner C.float, add C.int) {
	C.clusir_irfft2(b.ctx, view(x), view(z), inner, add)
}
