package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// DWT splits x into its Haar subbands.
func (b *Backend) DWT(ll, bands, x kernels.Tensor) {
	s := ll.Shape
	C.clusir_dwt(b.ctx, ptr(ll), ptr(bands), ptr(x), dim(s[0]), dim(s[1]), dim(s[2]), dim(s[3]))
}

// DWTGrad is the gradient of DWT.
func (b *Backend) DWTGrad(dx, dll, dbands kernels.Tensor) {
	s := dll.Shape
	C.clusir_dwt_grad(b.ctx, ptr(dx), ptr(dll), ptr(dbands), dim(s[0]), dim(s[1]), dim(s[2]), dim(s[3]))
}

// IDWT joins Haar subbands and adds res.
func (b *Backend) IDWT(y, ll, bands, res kernels.Tensor) {
	s := ll.Shape
	C.clusir_idwt(b.ctx, ptr(y), ptr(ll), ptr(bands), ptr(res), dim(s[0]), dim(s[1]), dim(s[2]), dim(s[3]))
}

// IDWTGrad is the gradient of IDWT but for res's.
func (b *Backend) IDWTGrad(dll, dbands, dy kernels.Tensor) {
	s := dy.Shape
	C.clusir_idwt_grad(b.ctx, ptr(dll), ptr(dbands), ptr(dy), dim(s[0]), dim(s[1]), dim(s[2]/2), dim(s[3]/2))
}
