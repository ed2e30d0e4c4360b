package ref

import (
	"math"
	"slices"

	"clusir/internal/kernels"
)

// Linear computes y_ro = bias_o + Σ_k w_ok x_rk.
func (*Backend) Linear(y, x, w, bias kernels.Tensor) {
	R, K, O := x.Shape[0], x.Shape[1], w.Shape[0]
	xv, wv, bv, r := values(x, R, K), values(w, O, K), orZeros(bias, O), values(y, R, O)
	for i := range R {
		for o := range O {
			r[i*O+o] = bv[o] + dot(wv[o*K:][:K], xv[i*K:][:K])
		}
	}
}

// LinearGrad: dx = dy w, dw = dyᵀ x, dbias = Σ_r dy_r.
func (*Backend) LinearGrad(dx, dw, dbias, dy, x, w kernels.Tensor) {
	R, K, O := x.Shape[0], x.Shape[1], w.Shape[0]
	xv, wv, g := values(x, R, K), values(w, O, K), values(dy, R, O)
	dxv, dwv, db := orZeros(dx, R, K), orZeros(dw, O, K), orZeros(dbias, O)
	for i := range R {
		for o := range O {
			d := g[i*O+o]
			db[o] += d
			addScaled(dxv[i*K:][:K], d, wv[o*K:][:K])
			addScaled(dwv[o*K:][:K], d, xv[i*K:][:K])
		}
	}
}

// Mix computes y_r = Σ_l a_rl c_l.
func (*Backend) Mix(y, a, c kernels.Tensor) {
	R, L, n := a.Shape[0], a.Shape[1], c.Len()/c.Shape[0]
	av, cv, r := values(a, R, L), values(c, L, n), values(y, R, n)
	fill(r, 0)
	for i := range R {
		for l := range L {
			addScaled(r[i*n:][:n], av[i*L+l], cv[l*n:][:n])
		}
	}
}

// MixGrad: da_rl = ⟨dy_r, c_l⟩, dc_l = Σ_r a_rl dy_r.
func (*Backend) MixGrad(da, dc, dy, a, c kernels.Tensor) {
	R, L, n := a.Shape[0], a.Shape[1], c.Len()/c.Shape[0]
	av, cv, g := values(a, R, L), values(c, L, n), values(dy, R, n)
	dav, dcv := orZeros(da, R, L), orZeros(dc, L, n)
	for i := range R {
		for l := range L {
			dav[i*L+l] += dot(g[i*n:][:n], cv[l*n:][:n])
			addScaled(dcv[l*n:][:n], av[i*L+l], g[i*n:][:n])
		}
	}
}

// Normalize normalises each row of the last axis.
func (*Backend) Normalize(y, x kernels.Tensor) {
	n, r := lastAxis(x), values(y, x.Len())
	for i := 0; i < len(r); i += n {
		normalize(r[i:][:n], values(x)[i:][:n])
	}
}

// NormalizeGrad is normalizeGrad of each row.
func (*Backend) NormalizeGrad(dx, dy, x kernels.Tensor) {
	n, d := lastAxis(x), orZeros(dx, x.Len())
	for i := 0; i < len(d); i += n {
		normalizeGrad(d[i:][:n], values(dy, x.Len())[i:][:n], values(x)[i:][:n])
	}
}

// TopKSoftmax is the softmax over the k largest entries of each row.
func (*Backend) TopKSoftmax(y, x kernels.Tensor, k int) {
	n, r := lastAxis(x), values(y, x.Len())
	for i := 0; i < len(r); i += n {
		row := append([]float64{}, values(x)[i:][:n]...)
		for j := range row {
			if rank(values(x)[i:][:n], j) >= k {
				row[j] = math.Inf(-1)
			}
		}
		softmax(r[i:][:n], row)
	}
}

// SoftmaxGrad is softmaxGrad of each row; dropped entries have y = 0 and get nothing.
func (*Backend) SoftmaxGrad(dx, dy, y kernels.Tensor) {
	n, d := lastAxis(y), orZeros(dx, y.Len())
	for i := 0; i < len(d); i += n {
		softmaxGrad(d[i:][:n], values(dy, y.Len())[i:][:n], values(y)[i:][:n])
	}
}

// ScaleRows computes y_r = s_r x_r.
func (*Backend) ScaleRows(y, x, s kernels.Tensor) {
	R, r := s.Len(), values(y, x.Len())
	n := x.Len() / R
	fill(r, 0)
	for i := range R {
		addScaled(r[i*n:][:n], values(s)[i], values(x)[i*n:][:n])
	}
}

// ScaleRowsGrad: dx_r = s_r dy_r, ds_r = ⟨dy_r, x_r⟩.
func (*Backend) ScaleRowsGrad(dx, ds, dy, x, s kernels.Tensor) {
	R, d, dsv := s.Len(), orZeros(dx, x.Len()), orZeros(ds, s.Len())
	n := x.Len() / R
	for i := range R {
		g := values(dy, x.Len())[i*n:][:n]
		addScaled(d[i*n:][:n], values(s)[i], g)
		dsv[i] += dot(g, values(x)[i*n:][:n])
	}
}

func lastAxis(t kernels.Tensor) int { return t.Shape[len(t.Shape)-1] }

// rank returns the number of entries that precede row[j]: larger ones, and equal ones
// with a lower index.
func rank(row []float64, j int) int {
	r := 0
	for i, v := range row {
		if v > row[j] || v == row[j] && i < j {
			r++
		}
	}
	return r
}

// softmax computes y_i = exp(x_i)/Σ_j exp(x_j), shifted by the largest x.
func softmax(y, x []float64) {
	largest, sum := slices.Max(x), 0.0
	for i, v := range x {
		y[i] = math.Exp(v - largest)
		sum += y[i]
	}
	for i := range y {
		y[i] /= sum
	}
}

// softmaxGrad: dx_i += y_i Σ_j y_j (dy_i − dy_j), which is y_i (dy_i − Σ_j dy_j y_j) if
// Σ y = 1, and is insensitive to the rounding of y.
func softmaxGrad(dx, dy, y []float64) {
	for i, v := range y {
		for j, w := range y {
			dx[i] += v * w * (dy[i] - dy[j])
		}
	}
}
