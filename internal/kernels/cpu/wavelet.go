package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// WaveletReduce computes concat(DWT(w·LN(x))).
func (b *Backend) WaveletReduce(y, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	C.clusir_wavelet_reduce(b.ctx, view(y), view(x), norm(n), view(w))
}

// WaveletReduceGrad is the gradient of WaveletReduce.
func (b *Backend) WaveletReduceGrad(dx kernels.Tensor, dn kernels.Norm, dw, dy, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	C.clusir_wavelet_reduce_grad(b.ctx, view(dx), norm(dn), view(dw), view(dy), view(x), norm(n), view(w))
}

// WaveletMerge computes y = x + w·concat(IDWT(m·s), IDWT(s)).
func (b *Backend) WaveletMerge(y, x, s, m, w kernels.Tensor) {
	C.clusir_wavelet_merge(b.ctx, view(y), view(x), view(s), view(m), view(w))
}

// WaveletMergeGrad is the gradient of WaveletMerge except for x.
func (b *Backend) WaveletMergeGrad(ds, dm, dw, dy, s, m, w kernels.Tensor) {
	C.clusir_wavelet_merge_grad(b.ctx, view(ds), view(dm), view(dw), view(dy), view(s), view(m), view(w))
}
