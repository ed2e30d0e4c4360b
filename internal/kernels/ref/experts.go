package ref

import (
	"math"

	"clusir/internal/kernels"
)

// GatedFFN computes y = x + Σ_e route_be F_e(LN(x)), sample by sample and expert by
// expert; experts of weight 0 do not run.
func (*Backend) GatedFFN(y, x kernels.Tensor, n kernels.Norm, experts []kernels.FFN, route kernels.Tensor) {
	in := gridOf(x)
	u := layerNorm(in, values(n.Weight, in.C), values(n.Bias, in.C))
	r := values(y, in.B, in.C, in.H, in.W)
	copy(r, in.v)
	out := grid{in.B, in.C, in.H, in.W, r}
	forRouted(route, in.B, len(experts), func(b, e int, weight float64) {
		addScaled(out.sample(b).v, weight, runFFN(u.sample(b), experts[e]).out.v)
	})
}

// GatedFFNGrad: with F_e's value f and dF_e = route_be dy, droute_be += Σ dy·f;
// the rest is the chain rule backwards through F and LN, and dy itself for the
// residual.
func (*Backend) GatedFFNGrad(dx kernels.Tensor, dn kernels.Norm, dexperts []kernels.FFN, droute, dy, x kernels.Tensor, n kernels.Norm, experts []kernels.FFN, route kernels.Tensor) {
	in, g := gridOf(x), gridOf(dy)
	u := layerNorm(in, values(n.Weight, in.C), values(n.Bias, in.C))
	du := u.like()
	dr := orZeros(droute, in.B, len(experts))
	forRouted(route, in.B, len(experts), func(b, e int, weight float64) {
		f, gb := runFFN(u.sample(b), experts[e]), g.sample(b)
		dr[b*len(experts)+e] += dot(gb.v, f.out.v)
		df := gb.like()
		addScaled(df.v, weight, gb.v)
		f.grad(du.sample(b), dexperts[e], df, experts[e])
	})
	d := gradOf(dx, in)
	layerNormGrad(d, orZeros(dn.Weight, in.C), orZeros(dn.Bias, in.C), du, in, values(n.Weight))
	accumulate(d.v, g.v)
}

// forRouted calls do for every sample and expert with a weight other than 0.
func forRouted(route kernels.Tensor, samples, experts int, do func(b, e int, weight float64)) {
	for b := range samples {
		for e := range experts {
			weight := 1.0
			if !route.IsZero() {
				weight = values(route, samples, experts)[b*experts+e]
			}
			if weight != 0 {
				do(b, e, weight)
			}
		}
	}
}

// ffnRun keeps every step of Project·(GELU(a) ⊙ b), [a b] = depthwise(Expand·u).
type ffnRun struct{ u, expanded, filtered, gated, out grid }

func runFFN(u grid, e kernels.FFN) ffnRun {
	h := e.Project.Shape[1]
	f := ffnRun{u: u, gated: newGrid(u.B, h, u.H, u.W)}
	f.expanded = conv1x1(u, values(e.Expand, 2*h, u.C), 2*h)
	f.filtered = depthwise3x3(f.expanded, values(e.Depthwise, 2*h, 3, 3))
	for i := range f.gated.v { // batch 1: the halves of the channels are the halves of the values
		f.gated.v[i] = gelu(f.filtered.v[i]) * f.filtered.v[len(f.gated.v)+i]
	}
	f.out = conv1x1(f.gated, values(e.Project, u.C, h), u.C)
	return f
}

func (f ffnRun) grad(du grid, d kernels.FFN, dout grid, e kernels.FFN) {
	h, n := f.gated.C, len(f.gated.v)
	dgated, dfiltered, dexpanded := f.gated.like(), f.filtered.like(), f.expanded.like()
	conv1x1Grad(dgated, orZeros(d.Project, du.C, h), dout, f.gated, values(e.Project))
	for i, g := range dgated.v {
		a, b := f.filtered.v[i], f.filtered.v[n+i]
		dfiltered.v[i] = g * b * geluGrad(a)
		dfiltered.v[n+i] = g * gelu(a)
	}
	depthwise3x3Grad(dexpanded, orZeros(d.Depthwise, 2*h, 3, 3), dfiltered, f.expanded, values(e.Depthwise))
	conv1x1Grad(du, orZeros(d.Expand, 2*h, du.C), dexpanded, f.u, values(e.Expand))
}

// gelu is a·Φ(a), Φ the normal distribution's cumulative function.
func gelu(a float64) float64 { return a * normalCDF(a) }

// geluGrad is Φ(a) + a·φ(a).
func geluGrad(a float64) float64 {
	return normalCDF(a) + a*math.Exp(-a*a/2)/math.Sqrt(2*math.Pi)
}

func normalCDF(a float64) float64 { return (1 + math.Erf(a/math.Sqrt2)) / 2 }
