package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// DWT splits x into its Haar subbands.
func (b *Backend) DWT(ll, bands, x kernels.Tensor) {
	C.clusir_dwt(b.ctx, view(ll), view(bands), view(x))
}

// DWTGrad is the gradient of DWT.
func (b *Backend) DWTGrad(dx, dll, dbands kernels.Tensor) {
	C.clusir_dwt_grad(b.ctx, view(dx), view(dll), view(dbands))
}

// IDWT joins Haar subbands and adds res.
func (b *Backend) IDWT(y, ll, bands, res kernels.Tensor) {
	C.clusir_idwt(b.ctx, view(y), view(ll), view(bands), view(res))
}

// IDWTGrad is the gradient of IDWT except for res.
func (b *Backend) IDWTGrad(dll, dbands, dy kernels.Tensor) {
	C.clusir_idwt_grad(b.ctx, view(dll), view(dbands), view(dy))
}
