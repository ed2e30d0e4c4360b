package ref

import (
	"math"

	"clusir/internal/kernels"
)

// GatedFFN computes y = x + Σ_e route_be F_e(LN(x)), sample by sample and expert by
// expert; experts of weight 0 do not run.
func (*Backend) GatedFFN(y, x kernels.Tensor, n kernels.Norm, experts []kernels.FFN, route kernels.Tensor) {
	new(trail).gatedFFN(leafNode(x, none), n, kernels.Norm{}, experts, make([]kernels.FFN, len(experts)), route, none).store(y)
}

// GatedFFNGrad: with F_e's value f and dF_e = route_be dy, droute_be += Σ dy·f;
// the rest is the chain rule backwards through F and LN, and dy itself for the
// residual.
func (*Backend) GatedFFNGrad(dx kernels.Tensor, dn kernels.Norm, dexperts []kernels.FFN, droute, dy, x kernels.Tensor, n kernels.Norm, experts []kernels.FFN, route kernels.Tensor) {
	var t trail
	y := t.gatedFFN(leafNode(x, dx), n, dn, experts, dexperts, route, droute)
	t.backwards(y.vec(), values(dy, y.B, y.C, y.H, y.W))
}

func (t *trail) gatedFFN(x node, n, dn kernels.Norm, experts, dexperts []kernels.FFN, route, droute kernels.Tensor) node {
	u, y := t.layerNorm(x, n, dn), t.concat(x)
	weights := ones(x.B * len(experts))
	if !route.IsZero() {
		weights = leaf(route, droute, x.B, len(experts))
	}
	for b := range x.B {
		for e := range experts {
			weight := weights.slice(b*len(experts)+e, 1)
			if weight.v[0] != 0 {
				f := t.ffn(u.sample(b), experts[e], dexperts[e])
				t.sum(func(term func(y, a, x vec)) { term(y.sample(b).vec(), weight, f.vec()) })
			}
		}
	}
	return y
}

// ffn returns Project·(GELU(a) ⊙ b), [a b] = depthwise(Expand·u), for one sample.
func (t *trail) ffn(u node, e, de kernels.FFN) node {
	h := e.Project.Shape[1]
	ab := t.conv1x1(u, leaf(e.Expand, de.Expand, 2*h, u.C), 2*h)
	ab = t.depthwise3x3(ab, leaf(e.Depthwise, de.Depthwise, 2*h, 3, 3))
	gated := nodeOf(newGrid(1, h, u.H, u.W))
	n := len(gated.v) // batch 1: the halves of the channels are the halves of the values
	for i := range n {
		gated.v[i] = gelu(ab.v[i]) * ab.v[n+i]
	}
	t.then(func() {
		for i, g := range gated.d {
			slope := normalCDF(ab.v[i]) + ab.v[i]*math.Exp(-ab.v[i]*ab.v[i]/2)/math.Sqrt(2*math.Pi) // Φ(a) + a·φ(a)
			ab.d[i] += g * ab.v[n+i] * slope
			ab.d[n+i] += g * gelu(ab.v[i])
		}
	})
	return t.conv1x1(gated, leaf(e.Project, de.Project, u.C, h), u.C)
}

// gelu is a·Φ(a), Φ the normal distribution's cumulative function.
func gelu(a float64) float64 { return a * normalCDF(a) }

func normalCDF(a float64) float64 { return (1 + math.Erf(a/math.Sqrt2)) / 2 }
