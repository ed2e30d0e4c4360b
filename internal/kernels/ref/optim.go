package ref

import (
	"math"

	"clusir/internal/kernels"
)

// Adam takes one step for every parameter that a sample reached.
func (*Backend) Adam(ps []kernels.AdamParam, a kernels.Adam) {
	for _, p := range ps {
		if p.Reached.IsZero() || values(p.Reached.Tensor)[p.Reached.Index] != 0 {
			adamStep(p, a)
		}
	}
}

func adamStep(p kernels.AdamParam, a kernels.Adam) {
	n := p.Param.Len()
	w, g, m, v, step := values(p.Param), values(p.Grad, n), values(p.M, n), values(p.V, n), values(p.Step, 1)
	step[0]++
	for i := range w {
		m[i] = a.Beta1*m[i] + (1-a.Beta1)*g[i]
		v[i] = a.Beta2*v[i] + (1-a.Beta2)*g[i]*g[i]
		mhat := m[i] / (1 - math.Pow(a.Beta1, step[0]))
		vhat := v[i] / (1 - math.Pow(a.Beta2, step[0]))
		w[i] -= a.LR * mhat / (math.Sqrt(vhat) + a.Eps)
	}
}

// ClipNorm scales gs so that their norm is at most limit.
func (*Backend) ClipNorm(gs []kernels.Tensor, limit float32) {
	sum := 0.0
	for _, g := range gs {
		for _, x := range values(g) {
			sum += x * x
		}
	}
	scale := min(1, float64(limit)/math.Sqrt(sum))
	for _, g := range gs {
		for i := range values(g) {
			values(g)[i] *= scale
		}
	}
}

// Average moves each y towards its x.
func (*Backend) Average(ys, xs []kernels.Tensor, a float32) {
	for k, y := range ys {
		x := values(xs[k], y.Len())
		for i := range x {
			values(y)[i] += float64(a) * (x[i] - values(y)[i])
		}
	}
}
