package cpu

// #include "cpu.h"
import "C"

import "clusir/internal/kernels"

// SpectralFusion computes y = z·(1 + gain)·e^{i·turn} (Eq. 14).
func (b *Backend) SpectralFusion(y, z, l kernels.Tensor, amplitude, phase kernels.Fuse) {
	C.clusir_spectral_fusion(b.ctx, view(y), view(z), view(l), fuse(amplitude), fuse(phase))
}

// SpectralFusionGrad is the gradient of SpectralFusion.
func (b *Backend) SpectralFusionGrad(dz, dl kernels.Tensor, damplitude, dphase kernels.Fuse, dy, z, l kernels.Tensor,
	amplitude, phase kernels.Fuse) {
	C.clusir_spectral_fusion_grad(b.ctx, view(dz), view(dl), fuse(damplitude), fuse(dphase),
		view(dy), view(z), view(l), fuse(amplitude), fuse(phase))
}
