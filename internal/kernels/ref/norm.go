package ref

import "math"

// layerNormEps is added under the root of LN.
const layerNormEps = 1e-5

// layerNorm normalises each pixel over its channels: x̂ = (x − mean)/√(var + eps),
// population variance; y = weight ⊙ x̂ + bias.
func layerNorm(x grid, weight, bias []float64) grid {
	y := x.like()
	forPixels(x, func(b, p int) {
		xhat, _ := normalizePixel(x, b, p)
		for c, v := range xhat {
			y.plane(b, c)[p] = weight[c]*v + bias[c]
		}
	})
	return y
}

// layerNormGrad: with g = weight ⊙ dy at a pixel,
// dx = (g − mean(g) − x̂ mean(g ⊙ x̂)) / √(var + eps).
func layerNormGrad(dx grid, dweight, dbias []float64, dy, x grid, weight []float64) {
	forPixels(x, func(b, p int) {
		xhat, std := normalizePixel(x, b, p)
		g := make([]float64, x.C)
		mean, meanx := 0.0, 0.0
		for c := range g {
			d := dy.plane(b, c)[p]
			dweight[c] += d * xhat[c]
			dbias[c] += d
			g[c] = weight[c] * d
			mean += g[c] / float64(x.C)
			meanx += g[c] * xhat[c] / float64(x.C)
		}
		for c := range g {
			dx.plane(b, c)[p] += (g[c] - mean - xhat[c]*meanx) / std
		}
	})
}

func forPixels(x grid, do func(b, p int)) {
	for b := range x.B {
		for p := range x.H * x.W {
			do(b, p)
		}
	}
}

// normalizePixel returns x̂ and √(var + eps) of one pixel.
func normalizePixel(x grid, b, p int) (xhat []float64, std float64) {
	xhat = make([]float64, x.C)
	mean, variance := 0.0, 0.0
	for c := range xhat {
		xhat[c] = x.plane(b, c)[p]
		mean += xhat[c] / float64(x.C)
	}
	for c := range xhat {
		xhat[c] -= mean
		variance += xhat[c] * xhat[c] / float64(x.C)
	}
	std = math.Sqrt(variance + layerNormEps)
	for c := range xhat {
		xhat[c] /= std
	}
	return xhat, std
}

// normFloor is the smallest length that a vector is divided by.
const normFloor = 1e-12

// normalize computes y = x / max(‖x‖₂, 1e-12).
func normalize(y, x []float64) {
	n := max(math.Sqrt(dot(x, x)), normFloor)
	for i, v := range x {
		y[i] = v / n
	}
}

// normalizeGrad: dx += (dy − ŷ⟨dy, ŷ⟩)/‖x‖; below the floor the length is a
// constant and dx += dy/1e-12.
func normalizeGrad(dx, dy, x []float64) {
	y := make([]float64, len(x))
	normalize(y, x)
	n, along := math.Sqrt(dot(x, x)), dot(dy, y)
	if n < normFloor {
		n, along = normFloor, 0
	}
	for i, g := range dy {
		dx[i] += (g - y[i]*along) / n
	}
}
