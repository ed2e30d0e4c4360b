package degrade

import (
	"math"

	"clusir/internal/planar"
)

// boxBlur returns the mean over a k×k window, mirrored at the edges. An even window
// extends one pixel further to the left and upwards, as in OpenCV.
func boxBlur(src []float32, w, h, k int) []float32 {
	tmp, out := make([]float32, len(src)), make([]float32, len(src))
	for y := range h {
		boxLine(tmp[y*w:], src[y*w:], w, 1, k)
	}
	for x := range w {
		boxLine(out[x:], tmp[x:], h, w, k)
	}
	return out
}

// boxLine averages n values that are stride apart over a running window of k.
func boxLine(dst, src []float32, n, stride, k int) {
	at := func(i int) float64 { return float64(src[planar.Reflect(i, n)*stride]) }
	sum := 0.
	for i := -k / 2; i < k-k/2; i++ {
		sum += at(i)
	}
	for i := range n {
		dst[i*stride] = float32(sum / float64(k))
		sum += at(i+k-k/2) - at(i-k/2)
	}
}

// guidedFilter smooths p except at the edges of the guide (He, Sun and Tang, Guided
// image filtering, 2010): q = ā·guide + b̄ with a = cov(guide, p) / (var(guide) + eps)
// and b = p̄ − a·mean(guide) over k×k windows.
func guidedFilter(guide, p []float32, w, h, k int, eps float32) []float32 {
	product := func(a, b []float32) []float32 {
		out := make([]float32, len(a))
		for i := range out {
			out[i] = a[i] * b[i]
		}
		return boxBlur(out, w, h, k)
	}
	meanG, meanP := boxBlur(guide, w, h, k), boxBlur(p, w, h, k)
	gg, gp := product(guide, guide), product(guide, p)
	a, b := make([]float32, len(p)), make([]float32, len(p))
	for i := range p {
		a[i] = (gp[i] - meanG[i]*meanP[i]) / (gg[i] - meanG[i]*meanG[i] + eps)
		b[i] = meanP[i] - a[i]*meanG[i]
	}
	a, b = boxBlur(a, w, h, k), boxBlur(b, w, h, k)
	for i := range a {
		a[i] = a[i]*guide[i] + b[i]
	}
	return a
}

// gaussianLine convolves n values that are stride apart with an odd number of taps,
// mirrored at the edges.
func gaussianLine(dst, src []float32, n, stride int, taps []float32) {
	r := len(taps) / 2
	for i := range n {
		var sum float32
		for k, t := range taps {
			sum += t * src[planar.Reflect(i+k-r, n)*stride]
		}
		dst[i*stride] = sum
	}
}

// gaussianTaps samples a Gaussian out to three deviations; the taps sum to 1.
func gaussianTaps(sigma float64) []float32 {
	r := int(math.Ceil(3 * sigma))
	taps, sum := make([]float32, 2*r+1), 0.
	for i := range taps {
		v := math.Exp(-float64((i-r)*(i-r)) / (2*sigma*sigma + 1e-12))
		taps[i] = float32(v)
		sum += v
	}
	for i := range taps {
		taps[i] /= float32(sum)
	}
	return taps
}

// neighbours returns the pixels on both sides of position x in a line of n, mirrored at
// its ends, and the share of the second.
func neighbours(x float64, n int) (before, after int, share float32) {
	floor := math.Floor(x)
	before, after = int(floor), int(floor)+1
	if before < 0 || after >= n {
		before, after = planar.Reflect(before, n), planar.Reflect(after, n)
	}
	return before, after, float32(x - floor)
}

// bilinear samples a plane at (x, y), mirrored at the edges.
func bilinear(p []float32, w, h int, x, y float64) float32 {
	x0, x1, ax := neighbours(x, w)
	y0, y1, ay := neighbours(y, h)
	top := p[y0*w+x0]*(1-ax) + p[y0*w+x1]*ax
	bottom := p[y1*w+x0]*(1-ax) + p[y1*w+x1]*ax
	return top*(1-ay) + bottom*ay
}
