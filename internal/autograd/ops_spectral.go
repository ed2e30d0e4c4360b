package autograd

import "clusir/internal/kernels"

// Fuse holds conv 1×1 → LeakyReLU 0.1 → conv 1×1: W1 [C,K], B1 [C], W2 [C,C], B2 [C].
type Fuse struct{ W1, B1, W2, B2 *Var }

func (f Fuse) vars() []*Var { return vars(f.W1, f.B1, f.W2, f.B2) }

func (f Fuse) fits(C, K int) bool {
	return is(f.W1, C, K) && is(f.B1, C) && is(f.W2, C, C) && is(f.B2, C)
}

// of returns a tensor of each weight: its value or its gradient.
func (f Fuse) of(tensor func(*Var) kernels.Tensor) kernels.Fuse {
	return kernels.Fuse{W1: tensor(f.W1), B1: tensor(f.B1), W2: tensor(f.W2), B2: tensor(f.B2)}
}

// SpectralFusion is Eq. 14 per bin: z and l [B,2C,H,W/2+1], the spectra of LL
// and of its low part; amplitude reads 2C channels, phase 4C.
func (t *Tape) SpectralFusion(z, l *Var, amplitude, phase Fuse) *Var {
	B, C, H, W := dims4("SpectralFusion", z)
	C /= 2
	in := append(append(vars(z, l), amplitude.vars()...), phase.vars()...)
	check(is(l, z.Shape...) && amplitude.fits(C, 2*C) && phase.fits(C, 4*C), "SpectralFusion", in...)
	y := t.alloc(B, 2*C, H, W)
	return t.result(y, op{
		name: "SpectralFusion", macs: B * H * W * (2*C*C + C*C + 4*C*C + C*C),
		in: in, keep: in,
		run: func() {
			t.B.SpectralFusion(y.Tensor, z.Tensor, l.Tensor, amplitude.of((*Var).tensor), phase.of((*Var).tensor))
		},
		grad: func() {
			t.B.SpectralFusionGrad(t.grad(z), t.grad(l), amplitude.of(t.grad), phase.of(t.grad),
				t.grad(y), z.Tensor, l.Tensor, amplitude.of((*Var).tensor), phase.of((*Var).tensor))
		},
	})
}
