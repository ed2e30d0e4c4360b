package ref

import (
	"math"

	"clusir/internal/kernels"
	"clusir/internal/planar"
)

// BatchNorm normalises each column of x with its own mean and biased variance.
func (*Backend) BatchNorm(y, x, weight, bias, mean, variance kernels.Tensor, momentum float32) {
	B, N := x.Shape[0], x.Shape[1]
	r := new(trail).batchNorm(x, none, leaf(weight, none, N), leaf(bias, none, N), func(n int, m, v float64) {
		if momentum != 0 {
			keep := 1 - float64(momentum)
			unbiased := v * float64(B) / float64(B-1)
			values(mean, N)[n] = keep*values(mean)[n] + float64(momentum)*m
			values(variance, N)[n] = keep*values(variance)[n] + float64(momentum)*unbiased
		}
	})
	r.store(y, B, N)
}

// BatchNormGrad is the gradient of standardize in each column, times weight.
func (*Backend) BatchNormGrad(dx, dweight, dbias, dy, x, weight kernels.Tensor) {
	var t trail
	N := x.Shape[1]
	bias := vec{make([]float64, N), orZeros(dbias, N)}
	r := t.batchNorm(x, dx, leaf(weight, dweight, N), bias, func(int, float64, float64) {})
	t.backwards(r, values(dy, x.Shape[0], N))
}

// batchNorm calls seen with the statistics of every column.
func (t *trail) batchNorm(x, dx kernels.Tensor, weight, bias vec, seen func(n int, mean, variance float64)) vec {
	B, N := x.Shape[0], x.Shape[1]
	columns, y := leaf(x, dx, B, N), newVec(B*N)
	for n := range N {
		xhat, mean, variance := t.standardize(columns, n, N, B)
		seen(n, mean, variance)
		t.sum(func(term func(y, a, x vec)) {
			for b := range B {
				term(y.slice(b*N+n, 1), weight.slice(n, 1), xhat.slice(b, 1))
				term(y.slice(b*N+n, 1), bias.slice(n, 1), ones(1))
			}
		})
	}
	return y
}

// BatchNormInfer computes y = weight (x − mean)/√(variance + eps) + bias.
func (*Backend) BatchNormInfer(y, x, weight, bias, mean, variance kernels.Tensor) {
	B, N := x.Shape[0], x.Shape[1]
	wv, bv, mv, vv, r := values(weight, N), values(bias, N), values(mean, N), values(variance, N), values(y, B, N)
	for i, v := range values(x) {
		n := i % N
		r[i] = wv[n]*(v-mv[n])/math.Sqrt(vv[n]+normEps) + bv[n]
	}
}

// DynamicFilter computes low_bcij = Σ_uv f_b,g(c),uv x_bc,i+u−k/2,j+v−k/2, x
// reflected at its edges, and high = x − low.
func (*Backend) DynamicFilter(low, high, x, f kernels.Tensor) {
	in := gridOf(x)
	l, h, taps := values(low, in.B, in.C, in.H, in.W), values(high, in.B, in.C, in.H, in.W), values(f)
	fill(l, 0)
	forDynamicTaps(in, f.Shape, func(to, from, tap int) { l[to] += taps[tap] * in.v[from] })
	for i, v := range in.v {
		h[i] = v - l[i]
	}
}

// DynamicFilterGrad: with g = dlow − dhigh, dx is the transpose of the filter
// applied to g, plus dhigh; df_uv = Σ over the group of g times x at that tap.
func (*Backend) DynamicFilterGrad(dx, df, dlow, dhigh, x, f kernels.Tensor) {
	in, taps := gridOf(x), values(f)
	gl, gh := values(dlow, in.B, in.C, in.H, in.W), values(dhigh, in.B, in.C, in.H, in.W)
	d, dt := gradOf(dx, in).v, orZeros(df, f.Shape...)
	forDynamicTaps(in, f.Shape, func(to, from, tap int) {
		g := gl[to] - gh[to]
		d[from] += taps[tap] * g
		dt[tap] += in.v[from] * g
	})
	accumulate(d, gh)
}

// forDynamicTaps calls do for every output element with each input element it depends
// on and the index of the tap between them; f is [B,G,k²].
func forDynamicTaps(x grid, f kernels.Shape, do func(to, from, tap int)) {
	G, kk := f[1], f[2]
	k := int(math.Round(math.Sqrt(float64(kk))))
	if k*k != kk || x.C%G != 0 || min(x.H, x.W) <= k/2 {
		panic("ref: DynamicFilter: taps or groups that do not fit x")
	}
	x.forElements(func(to, b, c, i, j int) {
		group := (b*G + c/(x.C/G)) * kk
		for t := range kk {
			y, z := planar.Reflect(i+t/k-k/2, x.H), planar.Reflect(j+t%k-k/2, x.W)
			do(to, x.at(b, c, y, z), group+t)
		}
	})
}

// SigmoidGate computes y = σ(g) ⊙ x.
func (*Backend) SigmoidGate(y, g, x kernels.Tensor) {
	xv, r := values(x, g.Len()), values(y, g.Len())
	for i, v := range values(g) {
		r[i] = sigmoid(v) * xv[i]
	}
}

// SigmoidGateGrad: dx = σ dy, dg = σ(1 − σ) x dy.
func (*Backend) SigmoidGateGrad(dg, dx, dy, g, x kernels.Tensor) {
	n := g.Len()
	xv, dyv, dgv, dxv := values(x, n), values(dy, n), orZeros(dg, n), orZeros(dx, n)
	for i, v := range values(g) {
		s := sigmoid(v)
		dgv[i] += s * (1 - s) * xv[i] * dyv[i]
		dxv[i] += s * dyv[i]
	}
}

func sigmoid(v float64) float64 { return 1 / (1 + math.Exp(-v)) }
