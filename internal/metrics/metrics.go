// Package metrics measures how close a restored picture is to the clean one: PSNR and
// SSIM exactly as scikit-image defines them, which is what the field reports. Pixels
// have a range of 1; all sums are in float64.
package metrics

import (
	"fmt"
	"math"

	"clusir/internal/planar"
)

// mustMatch panics unless a and b have the same shape and its number of pixels.
func mustMatch(a, b planar.Image) {
	if a.C != b.C || a.H != b.H || a.W != b.W {
		panic(fmt.Sprintf("metrics: shapes differ: [%d %d %d] and [%d %d %d]",
			a.C, a.H, a.W, b.C, b.H, b.W))
	}
	n := a.C * a.H * a.W
	if n <= 0 || len(a.Pix) != n || len(b.Pix) != n {
		panic(fmt.Sprintf("metrics: [%d %d %d] needs %d values, got %d and %d",
			a.C, a.H, a.W, n, len(a.Pix), len(b.Pix)))
	}
}

// mse returns the mean squared difference over all channels and pixels.
func mse(a, b planar.Image) float64 {
	mustMatch(a, b)
	sum := 0.0
	for y := 0; y < a.C*a.H; y++ {
		// One partial sum per row keeps the rounding of large pictures small.
		row := 0.0
		for i := y * a.W; i < (y+1)*a.W; i++ {
			d := float64(a.Pix[i]) - float64(b.Pix[i])
			row += d * d
		}
		sum += row
	}
	return sum / float64(a.C*a.H*a.W)
}

// PSNR returns 10·log10(1 / MSE) in dB, +Inf for equal pictures.
func PSNR(a, b planar.Image) float64 {
	return -10 * math.Log10(mse(a, b))
}

// Luma returns the Y channel of BT.601 as used in papers on rain (MATLAB's rgb2ycbcr):
// 16/255 for black, 235/255 for white. A picture with one channel is already luma and
// is returned unchanged.
func Luma(p planar.Image) planar.Image {
	if p.C == 1 {
		return p
	}
	if p.C != 3 {
		panic(fmt.Sprintf("metrics: luma of %d channels", p.C))
	}
	r, g, b := p.Plane(0), p.Plane(1), p.Plane(2)
	y := make([]float32, len(r))
	for i := range y {
		v := 65.481*float64(r[i]) + 128.553*float64(g[i]) + 24.966*float64(b[i]) + 16
		y[i] = float32(v / 255)
	}
	return planar.Image{C: 1, H: p.H, W: p.W, Pix: y}
}
