package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

func fuse(f kernels.Fuse) C.clusir_fuse {
	return C.clusir_fuse{w1: ptr(f.W1), b1: ptr(f.B1), w2: ptr(f.W2), b2: ptr(f.B2)}
}

// SpectralFusion computes y = z·(1 + gain)·e^{i·turn} (Eq. 14).
func (b *Backend) SpectralFusion(y, z, l kernels.Tensor, amplitude, phase kernels.Fuse) {
	a, p := fuse(amplitude), fuse(phase)
	C.clusir_spectral_fusion(b.ctx, ptr(y), ptr(z), ptr(l), dim(z.Shape[0]), dim(z.Shape[1]/2), plane(z), &a, &p)
}

// SpectralFusionGrad is the gradient of SpectralFusion.
func (b *Backend) SpectralFusionGrad(dz, dl kernels.Tensor, damplitude, dphase kernels.Fuse, dy, z, l kernels.Tensor,
	amplitude, phase kernels.Fuse) {
	a, p := fuse(amplitude), fuse(phase)
	da, dp := fuse(damplitude), fuse(dphase)
	C.clusir_spectral_fusion_grad(b.ctx, ptr(dz), ptr(dl), &da, &dp, ptr(dy), ptr(z), ptr(l),
		dim(z.Shape[0]), dim(z.Shape[1]/2), plane(z), &a, &p)
}
