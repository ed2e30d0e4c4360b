package ref

import (
	"math"

	"clusir/internal/kernels"
)

// SpectralFusion computes y = z·(1 + gain)·e^{i·turn}.
func (*Backend) SpectralFusion(y, z, l kernels.Tensor, amplitude, phase kernels.Fuse) {
	s := newSpectralFusion(gridOf(z), gridOf(l), amplitude, phase)
	copy(values(y, s.y.B, s.y.C, s.y.H, s.y.W), s.y.v)
}

// SpectralFusionGrad: with r = (1 + gain)·e^{i·turn}, dz = dy·r̄ directly,
// dgain = Re(dy̅·y)/(1 + gain), dturn = re y·im dy − im y·re dy; both continue through
// their networks to log amplitudes and phasors, and from there to z and l.
func (*Backend) SpectralFusionGrad(dz, dl kernels.Tensor, damplitude, dphase kernels.Fuse, dy, z, l kernels.Tensor, amplitude, phase kernels.Fuse) {
	s := newSpectralFusion(gridOf(z), gridOf(l), amplitude, phase)
	C, dzv, dlv := s.gain.out.C, gradOf(dz, s.z.spectrum), gradOf(dl, s.l.spectrum)
	g, n := gridOf(dy), len(s.gain.out.sample(0).v)
	dgain, dturn := s.gain.out.like(), s.gain.out.like()
	for b := range g.B {
		d, zb, dzb := g.sample(b).v, s.z.spectrum.sample(b).v, dzv.sample(b).v
		for i := range n {
			re, im, dre, dim := zb[i], zb[n+i], d[i], d[n+i]
			gain, turn := s.gain.out.sample(b).v[i], s.turn.out.sample(b).v[i]
			cos, sin := math.Cos(turn), math.Sin(turn)
			dgain.sample(b).v[i] = dre*(re*cos-im*sin) + dim*(re*sin+im*cos)
			dturn.sample(b).v[i] = dim*s.y.sample(b).v[i] - dre*s.y.sample(b).v[n+i]
			dzb[i] += (1 + gain) * (dre*cos + dim*sin)
			dzb[n+i] += (1 + gain) * (dim*cos - dre*sin)
		}
	}
	dlogs, dphasors := s.gain.grad(damplitude, dgain, amplitude), s.turn.grad(dphase, dturn, phase)
	s.z.grad(dzv, dlogs.channels(0, C), dphasors.channels(0, 2*C))
	s.l.grad(dlv, dlogs.channels(C, 2*C), dphasors.channels(2*C, 4*C))
}

// spectralFusion keeps every step of Eq. 14.
type spectralFusion struct {
	z, l       polar
	gain, turn fuseRun
	y          grid
}

func newSpectralFusion(z, l grid, amplitude, phase kernels.Fuse) spectralFusion {
	s := spectralFusion{z: newPolar(z), l: newPolar(l), y: z.like()}
	s.gain = runFuse(concat(s.z.log, s.l.log), amplitude)
	s.turn = runFuse(concat(s.z.phasor, s.l.phasor), phase)
	for b := range z.B {
		zb, yb := z.sample(b).v, s.y.sample(b).v
		n := len(zb) / 2
		for i := range n {
			gain, turn := 1+s.gain.out.sample(b).v[i], s.turn.out.sample(b).v[i]
			yb[i] = gain * (zb[i]*math.Cos(turn) - zb[n+i]*math.Sin(turn))
			yb[n+i] = gain * (zb[i]*math.Sin(turn) + zb[n+i]*math.Cos(turn))
		}
	}
	return s
}

// polar holds a spectrum [B,2C,H,W/2+1], log(1+|z|) [B,C,...] and u = z/|z| [B,2C,...].
type polar struct{ spectrum, log, phasor grid }

// modulus returns |z| = √(re² + im² + 1e-4), which never vanishes: phases fade out when
// there is nothing to turn.
func modulus(re, im float64) float64 { return math.Sqrt(re*re + im*im + 1e-4) }

func newPolar(z grid) polar {
	p := polar{z, newGrid(z.B, z.C/2, z.H, z.W), z.like()}
	for b := range z.B {
		zb, ub, n := z.sample(b).v, p.phasor.sample(b).v, len(p.log.sample(b).v)
		for i := range n {
			a := modulus(zb[i], zb[n+i])
			p.log.sample(b).v[i] = math.Log1p(a)
			ub[i], ub[n+i] = zb[i]/a, zb[n+i]/a
		}
	}
	return p
}

// grad: d|z| = dlog/(1 + |z|) − ⟨du, z⟩/|z|², dz += du/|z| + d|z|·z/|z|.
func (p polar) grad(dz, dlog, dphasor grid) {
	for b := range dz.B {
		z, d, du, dlogs := p.spectrum.sample(b).v, dz.sample(b).v, dphasor.sample(b).v, dlog.sample(b).v
		n := len(dlogs)
		for i, g := range dlogs {
			re, im := z[i], z[n+i]
			a := modulus(re, im)
			da := g/(1+a) - (du[i]*re+du[n+i]*im)/(a*a)
			d[i] += du[i]/a + da*re/a
			d[n+i] += du[n+i]/a + da*im/a
		}
	}
}

// leak is the slope of LeakyReLU below 0.
const leak = 0.1

// fuseRun keeps every step of conv 1×1 → LeakyReLU → conv 1×1.
type fuseRun struct{ x, hidden, active, out grid }

func runFuse(x grid, f kernels.Fuse) fuseRun {
	C := f.B1.Len()
	r := fuseRun{x: x, hidden: conv1x1(x, values(f.W1, C, x.C), C)}
	addBias(r.hidden, values(f.B1))
	r.active = r.hidden.like()
	for i, v := range r.hidden.v {
		r.active.v[i] = max(v, leak*v)
	}
	r.out = conv1x1(r.active, values(f.W2, C, C), C)
	addBias(r.out, values(f.B2, C))
	return r
}

// grad returns the gradient of x and adds to those of the weights.
func (r fuseRun) grad(d kernels.Fuse, dout grid, f kernels.Fuse) (dx grid) {
	C := r.out.C
	dx, dactive := r.x.like(), r.active.like()
	conv1x1Grad(dactive, orZeros(d.W2, C, C), dout, r.active, values(f.W2))
	addBiasGrad(orZeros(d.B2, C), dout)
	for i, v := range r.hidden.v {
		if v < 0 {
			dactive.v[i] *= leak
		}
	}
	conv1x1Grad(dx, orZeros(d.W1, C, r.x.C), dactive, r.x, values(f.W1))
	addBiasGrad(orZeros(d.B1, C), dactive)
	return dx
}
