package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// WaveletReduce computes concat(DWT(w·LN(x))).
func (b *Backend) WaveletReduce(y, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	C.clusir_wavelet_reduce(b.ctx, ptr(y), ptr(x), ptr(n.Weight), ptr(n.Bias), ptr(w),
		dim(x.Shape[0]), dim(x.Shape[1]), dim(x.Shape[2]), dim(x.Shape[3]))
}

// WaveletReduceGrad is the gradient of WaveletReduce.
func (b *Backend) WaveletReduceGrad(dx kernels.Tensor, dn kernels.Norm, dw, dy, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	C.clusir_wavelet_reduce_grad(b.ctx, ptr(dx), ptr(dn.Weight), ptr(dn.Bias), ptr(dw), ptr(dy), ptr(x),
		ptr(n.Weight), ptr(n.Bias), ptr(w), dim(x.Shape[0]), dim(x.Shape[1]), dim(x.Shape[2]), dim(x.Shape[3]))
}

// WaveletMerge computes y = x + w·concat(IDWT(m·s), IDWT(s)).
func (b *Backend) WaveletMerge(y, x, s, m, w kernels.Tensor) {
	C.clusir_wavelet_merge(b.ctx, ptr(y), ptr(x), ptr(s), ptr(m), ptr(w),
		dim(x.Shape[0]), dim(x.Shape[1]), dim(x.Shape[2]), dim(x.Shape[3]))
}

// WaveletMergeGrad is the gradient of WaveletMerge but for x.
func (b *Backend) WaveletMergeGrad(ds, dm, dw, dy, s, m, w kernels.Tensor) {
	C.clusir_wavelet_merge_grad(b.ctx, ptr(ds), ptr(dm), ptr(dw), ptr(dy), ptr(s), ptr(m), ptr(w),
		dim(dy.Shape[0]), dim(dy.Shape[1]), dim(dy.Shape[2]), dim(dy.Shape[3]))
}
