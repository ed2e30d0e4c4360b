//go:build cuda

package cuda

import "clusir/internal/kernels"

// spectral is one run of SpectralFusion: its operands and intermediate results.
type spectral struct {
	*Backend
	n               int               // complex numbers per sample
	logs, units     [2]kernels.Tensor // log|·| and ·/|·| of z and l
	stretch, rotate kernels.Tensor    // the networks' hidden layers, after LeakyReLU
	gain, turn      kernels.Tensor
}

func (b *Backend) newSpectral(op string, z, l kernels.Tensor, amplitude, phase kernels.Fuse) *spectral {
	same(op, z, l)
	B, C, H, W := z.Shape[0], z.Shape[1]/2, z.Shape[2], z.Shape[3]
	check(amplitude.W1.Len() == 2*C*C && phase.W1.Len() == 4*C*C, op, z, amplitude.W1, phase.W1)
	s := &spectral{Backend: b, n: C * H * W}
	for i, x := range []kernels.Tensor{z, l} {
		s.logs[i], s.units[i] = b.Alloc(B, C, H, W), b.Alloc(z.Shape...)
		b.launch("polar_fwd", s.grid(B), s.logs[i], s.units[i], x, s.n)
	}
	s.stretch, s.gain = s.fuse(amplitude, s.logs)
	s.rotate, s.turn = s.fuse(phase, s.units)
	return s
}

// grid covers the n numbers of each sample.
func (s *spectral) grid(samples int) grid {
	return grid{x: ceil(s.n, perBlock), y: samples, z: 1}
}

// fuse runs one of the networks on the channels of both xs, at TF32 or better: across
// LeakyReLU's kink a gradient changes tenfold.
func (s *spectral) fuse(f kernels.Fuse, xs [2]kernels.Tensor) (hidden, out kernels.Tensor) {
	hidden, out = s.Alloc(s.logs[0].Shape...), s.Alloc(s.logs[0].Shape...)
	product := s.atLeastTF32("conv1x1_fwd")
	s.project(product, hidden, f.W1, f.B1, xs[:]...)
	s.launch("leaky_fwd", over(hidden.Len(), perBlock), hidden, int64(hidden.Len()))
	s.project(product, out, f.W2, f.B2, hidden)
	return hidden, out
}

func (s *spectral) done() {
	s.free(s.logs[:]...)
	s.free(s.units[:]...)
	s.free(s.stretch, s.rotate, s.gain, s.turn)
}

// SpectralFusion computes y = z·(1 + gain)·e^{i·turn}.
func (b *Backend) SpectralFusion(y, z, l kernels.Tensor, amplitude, phase kernels.Fuse) {
	same("SpectralFusion", y, z)
	s := b.newSpectral("SpectralFusion", z, l, amplitude, phase)
	b.launch("fusion_fwd", s.grid(z.Shape[0]), y, z, s.gain, s.turn, s.n)
	s.done()
}

// SpectralFusionGrad is the gradient of SpectralFusion. It recomputes the intermediate
// results of the forward pass.
func (b *Backend) SpectralFusionGrad(dz, dl kernels.Tensor, damplitude, dphase kernels.Fuse, dy, z, l kernels.Tensor,
	amplitude, phase kernels.Fuse) {
	same("SpectralFusionGrad", dy, z)
	s := b.newSpectral("SpectralFusionGrad", z, l, amplitude, phase)
	g := s.grid(z.Shape[0])
	dgain, dturn := b.Alloc(s.gain.Shape...), b.Alloc(s.turn.Shape...)
	b.launch("fusion_grad", g, dz, dgain, dturn, dy, z, s.gain, s.turn, s.n)
	dlogs, dunits := s.zerosLike(s.logs, dz, dl), s.zerosLike(s.units, dz, dl)
	s.fuseGrad(dlogs, damplitude, dgain, amplitude, s.stretch, s.logs)
	s.fuseGrad(dunits, dphase, dturn, phase, s.rotate, s.units)
	for i, d := range []kernels.Tensor{dz, dl} {
		b.gradient("polar_grad", g, d, dlogs[i], dunits[i], []kernels.Tensor{z, l}[i], s.n)
	}
	s.free(dgain, dturn)
	s.free(dlogs...)
	s.free(dunits...)
	s.done()
}

// zerosLike returns zeros shaped like each of xs whose spectrum's gradient is wanted.
func (s *spectral) zerosLike(xs [2]kernels.Tensor, dz, dl kernels.Tensor) []kernels.Tensor {
	zeros := make([]kernels.Tensor, 2)
	for i, d := range []kernels.Tensor{dz, dl} {
		if !d.IsZero() {
			zeros[i] = kernels.Zeros(s, xs[i].Shape...)
		}
	}
	return zeros
}

// fuseGrad runs one of the networks backwards.
func (s *spectral) fuseGrad(dxs []kernels.Tensor, d kernels.Fuse, dout kernels.Tensor, f kernels.Fuse, hidden kernels.Tensor,
	xs [2]kernels.Tensor) {
	dhidden := kernels.Zeros(s, hidden.Shape...)
	s.Conv1x1Grad([]kernels.Tensor{dhidden}, d.W2, d.B2, dout, f.W2, hidden)
	s.launch("leaky_grad", over(hidden.Len(), perBlock), dhidden, hidden, int64(hidden.Len()))
	s.Conv1x1Grad(dxs, d.W1, d.B1, dhidden, f.W1, xs[:]...)
	s.Free(dhidden)
}
