package ref

import (
	"math"

	"clusir/internal/kernels"
)

// SpectralFusion computes y = z·(1 + gain)·e^{i·turn}.
func (*Backend) SpectralFusion(y, z, l kernels.Tensor, amplitude, phase kernels.Fuse) {
	new(trail).spectralFusion(leafNode(z, none), leafNode(l, none), amplitude, kernels.Fuse{}, phase, kernels.Fuse{}).store(y)
}

// SpectralFusionGrad: with r = (1 + gain)·e^{i·turn}, dz = dy·r̄ directly,
// dgain = Re(dy̅·y)/(1 + gain), dturn = re y·im dy − im y·re dy; both continue through
// their networks to log amplitudes and phasors, and from there to z and l.
func (*Backend) SpectralFusionGrad(dz, dl kernels.Tensor, damplitude, dphase kernels.Fuse, dy, z, l kernels.Tensor, amplitude, phase kernels.Fuse) {
	var t trail
	y := t.spectralFusion(leafNode(z, dz), leafNode(l, dl), amplitude, damplitude, phase, dphase)
	t.backwards(y.vec(), values(dy, y.B, y.C, y.H, y.W))
}

// spectralFusion is Eq. 14.
func (t *trail) spectralFusion(z, l node, amplitude, damplitude, phase, dphase kernels.Fuse) node {
	zlog, zphasor := t.polar(z)
	llog, lphasor := t.polar(l)
	gain := t.fuse(t.concat(zlog, llog), amplitude, damplitude)
	turn := t.fuse(t.concat(zphasor, lphasor), phase, dphase)
	y := nodeOf(z.like())
	forComplex(z, func(at, re, im int) {
		sin, cos := math.Sincos(turn.v[at])
		y.v[re] = (1 + gain.v[at]) * (z.v[re]*cos - z.v[im]*sin)
		y.v[im] = (1 + gain.v[at]) * (z.v[re]*sin + z.v[im]*cos)
	})
	t.then(func() {
		forComplex(z, func(at, re, im int) {
			sin, cos := math.Sincos(turn.v[at])
			gain.d[at] += y.d[re]*(z.v[re]*cos-z.v[im]*sin) + y.d[im]*(z.v[re]*sin+z.v[im]*cos)
			turn.d[at] += y.d[im]*y.v[re] - y.d[re]*y.v[im]
			z.d[re] += (1 + gain.v[at]) * (y.d[re]*cos + y.d[im]*sin)
			z.d[im] += (1 + gain.v[at]) * (y.d[im]*cos - y.d[re]*sin)
		})
	})
	return y
}

// forComplex calls do with the indices of the real and the imaginary part of every
// element of a spectrum [B,2C,H,W/2+1] and with the element's index in [B,C,...].
func forComplex(z node, do func(at, re, im int)) {
	n := z.C / 2 * z.H * z.W
	for at := range len(z.v) / 2 {
		re := at + at/n*n
		do(at, re, re+n)
	}
}

// modulus returns |z| = √(re² + im² + 1e-4), which never vanishes: phases fade out when
// there is nothing to turn.
func modulus(re, im float64) float64 { return math.Sqrt(re*re + im*im + 1e-4) }

// polar returns log(1+|z|) [B,C,...] and u = z/|z| [B,2C,...] of a spectrum. Backwards,
// d|z| = dlog/(1 + |z|) − ⟨du, z⟩/|z|², dz += du/|z| + d|z|·z/|z|.
func (t *trail) polar(z node) (log, phasor node) {
	log, phasor = nodeOf(newGrid(z.B, z.C/2, z.H, z.W)), nodeOf(z.like())
	forComplex(z, func(at, re, im int) {
		a := modulus(z.v[re], z.v[im])
		log.v[at] = math.Log1p(a)
		phasor.v[re], phasor.v[im] = z.v[re]/a, z.v[im]/a
	})
	t.then(func() {
		forComplex(z, func(at, re, im int) {
			a := modulus(z.v[re], z.v[im])
			da := log.d[at]/(1+a) - (phasor.d[re]*z.v[re]+phasor.d[im]*z.v[im])/(a*a)
			z.d[re] += phasor.d[re]/a + da*z.v[re]/a
			z.d[im] += phasor.d[im]/a + da*z.v[im]/a
		})
	})
	return log, phasor
}

// leak is the slope of LeakyReLU below 0.
const leak = 0.1

// fuse returns conv 1×1 → LeakyReLU → conv 1×1, with biases.
func (t *trail) fuse(x node, f, df kernels.Fuse) node {
	C := f.B1.Len()
	hidden := t.conv1x1(x, leaf(f.W1, df.W1, C, x.C), C)
	t.addBias(hidden, leaf(f.B1, df.B1, C))
	active := nodeOf(hidden.like())
	for i, v := range hidden.v {
		active.v[i] = max(v, leak*v)
	}
	t.then(func() {
		for i, g := range active.d {
			if hidden.v[i] < 0 {
				g *= leak
			}
			hidden.d[i] += g
		}
	})
	out := t.conv1x1(active, leaf(f.W2, df.W2, C, C), C)
	t.addBias(out, leaf(f.B2, df.B2, C))
	return out
}
