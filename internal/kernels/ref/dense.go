package ref

import (
	"math"
	"slices"

	"clusir/internal/kernels"
)

// Linear computes y_ro = bias_o + Σ_k w_ok x_rk: Conv1x1 of R images of one pixel.
func (b *Backend) Linear(y, x, w, bias kernels.Tensor) {
	R, K, O := x.Shape[0], x.Shape[1], y.Shape[1]
	b.Conv1x1(images(y, R, O, 1), w, bias, images(x, R, K, 1))
}

// LinearGrad: dx = dy w, dw = dyᵀ x, dbias = Σ_r dy_r.
func (b *Backend) LinearGrad(dx, dw, dbias, dy, x, w kernels.Tensor) {
	R, K, O := x.Shape[0], x.Shape[1], w.Shape[0]
	b.Conv1x1Grad([]kernels.Tensor{images(dx, R, K, 1)}, dw, dbias, images(dy, R, O, 1), w, images(x, R, K, 1))
}

// Mix computes y_r = Σ_l a_rl c_l: Conv1x1 of one image of L channels.
func (b *Backend) Mix(y, a, c kernels.Tensor) {
	R, L, n := a.Shape[0], a.Shape[1], c.Len()/c.Shape[0]
	b.Conv1x1(images(y, 1, R, n), a, none, images(c, 1, L, n))
}

// MixGrad: da_rl = ⟨dy_r, c_l⟩, dc_l = Σ_r a_rl dy_r.
func (b *Backend) MixGrad(da, dc, dy, a, c kernels.Tensor) {
	R, L, n := a.Shape[0], a.Shape[1], c.Len()/c.Shape[0]
	b.Conv1x1Grad([]kernels.Tensor{images(dc, 1, L, n)}, da, none, images(dy, 1, R, n), a, images(c, 1, L, n))
}

// images returns t as B images of C channels and one row.
func images(t kernels.Tensor, B, C, W int) kernels.Tensor {
	if t.IsZero() {
		return t
	}
	return t.Reshape(B, C, 1, W)
}

// Normalize normalises each row of the last axis.
func (*Backend) Normalize(y, x kernels.Tensor) {
	new(trail).normalize(leaf(x, none, x.Len()), lastAxis(x)).store(y, x.Len())
}

// NormalizeGrad is the gradient of normalize.
func (*Backend) NormalizeGrad(dx, dy, x kernels.Tensor) {
	var t trail
	t.backwards(t.normalize(leaf(x, dx, x.Len()), lastAxis(x)), values(dy, x.Len()))
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

// softmax returns the softmax of temperature·x; x may contain −∞.
func (t *trail) softmax(x, temperature vec) vec {
	y, logits := newVec(len(x.v)), make([]float64, len(x.v))
	addScaled(logits, temperature.v[0], x.v)
	softmax(y.v, logits)
	t.then(func() {
		dlogits := make([]float64, len(logits))
		softmaxGrad(dlogits, y.d, y.v)
		temperature.d[0] += dot(dlogits, x.v)
		addScaled(x.d, temperature.v[0], dlogits)
	})
	return y
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

// addScaled computes y += a·x.
func addScaled(y []float64, a float64, x []float64) {
	for i, v := range x {
		y[i] += a * v
	}
}
