package metrics

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"gonum.org/v1/gonum/floats"

	"clusir/internal/planar"
)

// Window is the weighting for SSIM's local statistics, named by the protocol that uses
// it.
type Window string

const (
	// Uniform is scikit-image's default, a 7×7 box.
	Uniform Window = "promptir"
	// Gaussian is scikit-image's gaussian_weights=True, σ 1.5 cut off at 11×11.
	Gaussian Window = "gaussian"
)

// ParseWindow returns the window of a protocol.
func ParseWindow(protocol string) (Window, error) {
	w := Window(protocol)
	if w != Uniform && w != Gaussian {
		return "", fmt.Errorf("unknown protocol %q: use promptir (SSIM over a uniform 7×7 window) "+
			"or gaussian (11×11, σ 1.5)", protocol)
	}
	return w, nil
}

// taps returns the weights along one axis; they sum to 1.
func (w Window) taps() []float64 {
	const boxSize, sigma, radius = 7, 1.5, 5 // radius = int(3.5·σ + ½)
	if w == Uniform {
		return slices.Repeat([]float64{1.0 / boxSize}, boxSize)
	}
	t, sum := make([]float64, 2*radius+1), 0.0
	for i := range t {
		d := float64(i - radius)
		t[i] = math.Exp(-d * d / (2 * sigma * sigma))
		sum += t[i]
	}
	for i := range t {
		t[i] /= sum
	}
	return t
}

// SSIM returns the mean structural similarity over channels and over the pixels whose
// whole window lies inside the picture, with K 0.01 and 0.03, range 1 and sample
// covariance (N/(N−1) with N the window's pixels, also for the Gaussian, as in
// scikit-image). It returns an error if the window does not fit.
func SSIM(a, b planar.Image, w Window) (float64, error) {
	mustMatch(a, b)
	taps := w.taps()
	if min(a.H, a.W) < len(taps) {
		return 0, fmt.Errorf("a picture of %d×%d is smaller than SSIM's %d×%d window: "+
			"measure PSNR alone or use a larger picture", a.W, a.H, len(taps), len(taps))
	}
	means := make([]float64, a.C)
	var wg sync.WaitGroup
	for c := range means {
		wg.Go(func() { means[c] = ssimPlane(a.Plane(c), b.Plane(c), a.W, taps) })
	}
	wg.Wait()
	sum := 0.0
	for _, m := range means {
		sum += m
	}
	return sum / float64(a.C), nil
}

// moments are a row's local sums of x, y, xx, yy and xy, in this order.
type moments [5][]float64

func newMoments(n int) (m moments) {
	for i := range m {
		m[i] = make([]float64, n)
	}
	return m
}

// ssimPlane returns the mean SSIM of one channel. A ring holds the horizontally
// filtered rows of the window, so that memory is a few rows whatever the height.
func ssimPlane(a, b []float32, w int, taps []float64) float64 {
	n, h := len(taps), len(a)/w
	valid := w - n + 1
	ring := make([]moments, n)
	for i := range ring {
		ring[i] = newMoments(valid)
	}
	raw, local := newMoments(w), newMoments(valid)
	sum := 0.0
	for y := 0; y < h; y++ {
		products(raw, a[y*w:(y+1)*w], b[y*w:(y+1)*w])
		for k := range raw {
			filterRow(ring[y%n][k], raw[k], taps)
		}
		if y < n-1 {
			continue
		}
		for k := range local {
			clear(local[k])
			for t, weight := range taps {
				floats.AddScaled(local[k], weight, ring[(y+1+t)%n][k])
			}
		}
		sum += sumSSIM(local, float64(n*n))
	}
	return sum / float64(valid*(h-n+1))
}

// products fills m with a row's x, y and their products.
func products(m moments, a, b []float32) {
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		m[0][i], m[1][i] = x, y
		m[2][i], m[3][i], m[4][i] = x*x, y*y, x*y
	}
}

// filterRow writes the taps' weighted sums of src where all taps lie inside.
func filterRow(dst, src, taps []float64) {
	clear(dst)
	for t, weight := range taps {
		floats.AddScaled(dst, weight, src[t:t+len(dst)])
	}
}

// sumSSIM adds up SSIM over a row of local means; windows have n pixels.
func sumSSIM(m moments, n float64) float64 {
	const c1, c2 = 0.01 * 0.01, 0.03 * 0.03
	sample := n / (n - 1)
	sum := 0.0
	for i, ux := range m[0] {
		uy := m[1][i]
		vx := sample * (m[2][i] - ux*ux)
		vy := sample * (m[3][i] - uy*uy)
		vxy := sample * (m[4][i] - ux*uy)
		luminance := (2*ux*uy + c1) / (ux*ux + uy*uy + c1)
		structure := (2*vxy + c2) / (vx + vy + c2)
		sum += luminance * structure
	}
	return sum
}
