package model

import (
	"clusir/internal/arch"
	"clusir/internal/autograd"
)

// DAFMM is the degradation-aware frequency modulation module. It injects the spatial
// prompt and modulates low and high frequencies separately.
type DAFMM struct {
	name             string
	pgb              *PGB
	inject           *Var // [C,2C]
	fsb              *FSB
	amplitude, phase autograd.Fuse
	gate, gateBias   *Var // [3C,C], [3C]
}

func (b builder) dafmm(l int, c arch.Config) *DAFMM {
	C := c.Width(l)
	return &DAFMM{
		name:      b.name(),
		pgb:       b.at("pgb").pgb(l, c),
		inject:    b.conv1x1("inject", C, 2*C),
		fsb:       b.at("fsb").fsb(C, c),
		amplitude: b.at("amplitude").fuse(2*C, C),
		phase:     b.at("phase").fuse(4*C, C),
		gate:      b.conv1x1("gate", 3*C, C),
		gateBias:  b.bias("gate", 3*C, C),
	}
}

// fuse makes one adaptive fusion of Eq. 14. Its second convolution starts at zero,
// which leaves the spectrum unchanged.
func (b builder) fuse(K, C int) autograd.Fuse {
	return autograd.Fuse{
		W1: b.conv1x1("conv1", C, K), B1: b.bias("conv1", C, K),
		W2: b.param("conv2.weight", constant(0), C, C, 1, 1).Reshape(C, C),
		B2: b.param("conv2.bias", constant(0), C),
	}
}

// Forward maps x [B,C,H,W] and the semantic prompt p [B,C] to [B,C,H,W]. The paper does
// not say whether there is a residual; we add one.
func (d *DAFMM) Forward(t *pass, x, p *Var) *Var {
	return t.Block(func() *Var {
		prompt := d.pgb.Forward(t, p, x.Shape[2], x.Shape[3])
		f := t.as(d.name+".inject", t.Conv1x1(d.inject, nil, x, last(prompt)))
		ll, bands := t.DWT(last(f))
		low, high := d.fsb.Forward(t, t.as(d.name+".ll", ll))
		l := t.as(d.name+".low", d.lowFrequencies(t, ll, low))
		h := t.as(d.name+".high", d.highFrequencies(t, high, bands))
		return t.as(d.name, t.IDWT(last(l), last(h), last(x)))
	})
}

// highFrequencies implements Eq. 15: σ(conv(F_h)) gates HL, LH and HH.
func (d *DAFMM) highFrequencies(t *pass, high, bands *Var) *Var {
	gate := t.as(d.name+".gate", t.Conv1x1(d.gate, d.gateBias, last(high)))
	return t.SigmoidGate(last(gate), last(bands))
}

// lowFrequencies implements Eq. 14: a learned modulation of the spectrum, A' = A·(1 +
// gain), φ' = φ + turn.
//
// Differs from the paper, which concatenates raw amplitudes and phases. Log amplitudes
// and phasors carry the same information without the jump at ±π, where real bins lie
// exactly, and without a quotient that blows up in empty bins.
func (d *DAFMM) lowFrequencies(t *pass, ll, low *Var) *Var {
	z, zLow := t.RFFT2(last(ll)), t.RFFT2(last(low))
	return t.IRFFT2(last(t.SpectralFusion(last(z), last(zLow), d.amplitude, d.phase)))
}
