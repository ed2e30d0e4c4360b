package ref

import (
	"math"

	"clusir/internal/kernels"
)

const (
	ssimWindow = kernels.SSIMWindow
	ssimSigma  = 1.5
	ssimC1     = 0.01 * 0.01 // (K₁·range)²
	ssimC2     = 0.03 * 0.03 // (K₂·range)²
	ssimFloor  = 1e-6
)

// scaleWeights are the exponents of the five scales.
var scaleWeights = [5]float64{.0448, .2856, .3001, .2363, .1333}

// MSSSIM computes the multi-scale structural similarity of x and t [B,C,H,W]
// with values in a range of 1.
//
// A window is 11×11 weights w_ij = g_i g_j, g a Gaussian of σ = 1.5 that sums
// to 1, laid on every place of the plane where it fits whole. With means
// m_x = Σwx and m_t, variances about the mean v_x = Σw(x−m_x)² and v_t, and
// covariance v_xt = Σw(x−m_x)(t−m_t):
//
//	cs = (2v_xt + C₂)/(v_x + v_t + C₂)         contrast and structure
//	l  = (2m_x m_t + C₁)/(m_x² + m_t² + C₁)    luminance
//
// with C₁ = 0.01², C₂ = 0.03². Scale 0 is the image; each further one is the
// mean of the last's 2×2 blocks, an odd trailing row or column dropped. There
// are S scales: as many of five as have a shorter side of at least 11, and at
// least one. Per sample and channel the term of a scale is the mean over all
// windows of cs, at the last scale of l·cs; then
//
//	value_bc = Π_s max(term_s, 1e-6)^(a_s),    y = mean over b, c of value_bc
//
// with the exponents a = .0448 .2856 .3001 .2363 .1333, the first S of them
// divided by their sum. A term below 1e-6 has no gradient.
func (*Backend) MSSSIM(y, x, t kernels.Tensor) {
	a, b := gridOf(x), gridOf(t)
	sum := 0.0
	for bc := range a.B * a.C {
		sum += newMultiScale(a.planeAlone(bc), b.planeAlone(bc)).value()
	}
	values(y, 1)[0] = sum / float64(a.B*a.C)
}

// MSSSIMGrad: dvalue/dterm_s = a_s value/term_s if the term is above the floor; each
// scale's gradient is added to what comes up through the pooling from the next. t has
// none.
func (*Backend) MSSSIMGrad(dx, dy, x, t kernels.Tensor) {
	a, b := gridOf(x), gridOf(t)
	d, g := gradOf(dx, a), values(dy, 1)[0]/float64(a.B*a.C)
	for bc := range a.B * a.C {
		accumulate(d.planeAlone(bc).v, newMultiScale(a.planeAlone(bc), b.planeAlone(bc)).grad(g).v)
	}
}

// planeAlone returns the bc-th plane as a separate grid.
func (g grid) planeAlone(bc int) grid { return grid{1, 1, g.H, g.W, g.plane(bc/g.C, bc%g.C)} }

// multiScale holds one plane of x and of t at every scale, with the terms.
type multiScale struct {
	x, t           []grid
	term, exponent []float64
	last           int
}

func newMultiScale(x, t grid) multiScale {
	scales := 1
	for scales < 5 && min(x.H, x.W)>>scales >= ssimWindow {
		scales++
	}
	m := multiScale{last: scales - 1, exponent: append([]float64{}, scaleWeights[:scales]...)}
	total := 0.0
	for _, w := range m.exponent {
		total += w
	}
	for s := range scales {
		m.exponent[s] /= total
		m.x, m.t = append(m.x, x), append(m.t, t)
		n, sum := 0, 0.0
		forWindows(x, t, func(w window) {
			similarity := w.structure()
			if s == m.last {
				similarity *= w.luminance()
			}
			n, sum = n+1, sum+similarity
		})
		m.term = append(m.term, sum/float64(n))
		x, t = halve(x), halve(t)
	}
	return m
}

func (m multiScale) value() float64 {
	v := 1.0
	for s, term := range m.term {
		v *= math.Pow(max(term, ssimFloor), m.exponent[s])
	}
	return v
}

// grad returns dy times the gradient of value with respect to x.
func (m multiScale) grad(dy float64) grid {
	var up grid // the gradient at the next scale
	for s := m.last; s >= 0; s-- {
		d := m.x[s].like()
		if s < m.last {
			halveGrad(d, up)
		}
		if m.term[s] >= ssimFloor {
			windows := float64((d.H - ssimWindow + 1) * (d.W - ssimWindow + 1))
			g := dy * m.exponent[s] * m.value() / m.term[s] / windows
			forWindows(m.x[s], m.t[s], func(w window) { w.grad(d.v, g, s == m.last) })
		}
		up = d
	}
	return up
}

// halve averages 2×2 blocks.
func halve(x grid) grid {
	y := newGrid(1, 1, x.H/2, x.W/2)
	for i := range y.H {
		for j := range y.W {
			y.v[i*y.W+j] = (x.v[2*i*x.W+2*j] + x.v[2*i*x.W+2*j+1] + x.v[(2*i+1)*x.W+2*j] + x.v[(2*i+1)*x.W+2*j+1]) / 4
		}
	}
	return y
}

func halveGrad(dx, dy grid) {
	for i := range 2 * dy.H {
		for j := range 2 * dy.W {
			dx.v[i*dx.W+j] += dy.v[i/2*dy.W+j/2] / 4
		}
	}
}

// gaussian is the window's separable factor.
var gaussian = func() (g [ssimWindow]float64) {
	sum := 0.0
	for i := range g {
		d := float64(i - ssimWindow/2)
		g[i] = math.Exp(-d * d / (2 * ssimSigma * ssimSigma))
		sum += g[i]
	}
	for i := range g {
		g[i] /= sum
	}
	return g
}()

// window is one position of the Gaussian window on a pair of planes: its corner and the
// statistics under it.
type window struct {
	x, t                       []float64
	corner, width              int
	mx, mt, vx, vt, covariance float64
}

// forWindows calls do for every position where the window fits.
func forWindows(x, t grid, do func(window)) {
	if min(x.H, x.W) < ssimWindow {
		panic("ref: MSSSIM: a side shorter than the window")
	}
	for i := range x.H - ssimWindow + 1 {
		for j := range x.W - ssimWindow + 1 {
			w := window{x: x.v, t: t.v, corner: i*x.W + j, width: x.W}
			w.forPixels(func(p int, weight float64) {
				w.mx += weight * w.x[p]
				w.mt += weight * w.t[p]
			})
			w.forPixels(func(p int, weight float64) {
				dx, dt := w.x[p]-w.mx, w.t[p]-w.mt
				w.vx += weight * dx * dx
				w.vt += weight * dt * dt
				w.covariance += weight * dx * dt
			})
			do(w)
		}
	}
}

func (w window) forPixels(do func(p int, weight float64)) {
	for i := range ssimWindow {
		for j := range ssimWindow {
			do(w.corner+i*w.width+j, gaussian[i]*gaussian[j])
		}
	}
}

func (w window) structure() float64 { return (2*w.covariance + ssimC2) / (w.vx + w.vt + ssimC2) }

func (w window) luminance() float64 {
	return (2*w.mx*w.mt + ssimC1) / (w.mx*w.mx + w.mt*w.mt + ssimC1)
}

// grad adds dy times the gradient of the window's similarity:
// dm_x/dx_p = w_p, dv_x/dx_p = 2w_p(x_p − m_x), dv_xt/dx_p = w_p(t_p − m_t), so
//
//	dcs/dx_p = 2w_p ((t_p − m_t) − cs (x_p − m_x)) / (v_x + v_t + C₂)
//	dl/dx_p  = 2w_p (m_t − l m_x) / (m_x² + m_t² + C₁)
func (w window) grad(dx []float64, dy float64, last bool) {
	cs, l, dl := w.structure(), 1.0, 0.0
	if last {
		l = w.luminance()
		dl = 2 * (w.mt - l*w.mx) / (w.mx*w.mx + w.mt*w.mt + ssimC1)
	}
	w.forPixels(func(p int, weight float64) {
		dcs := 2 * ((w.t[p] - w.mt) - cs*(w.x[p]-w.mx)) / (w.vx + w.vt + ssimC2)
		dx[p] += dy * weight * (l*dcs + cs*dl)
	})
}
