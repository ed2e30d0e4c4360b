package degrade

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Rain adds bright grey streaks, clipped as a camera does:
//
//	I = min(J + R, 1),  R = Gain·max(z − Threshold, 0)
//
// where z is white noise smoothed along the streaks and a little across, of
// unit variance. This is how the streaks of Rain100L look when the clean image
// is subtracted: their excess over every level falls off as a Gaussian's tail
// does, in all 60 available training pairs.
type Rain struct {
	Angle     float64 // from the vertical, in degrees
	Length    float64 // of a streak, in pixels: z is averaged over it
	Width     float64 // standard deviation across, in pixels
	Threshold float64 // density: the share of the image without rain is Φ(Threshold)
	Gain      float64 // brightness of a streak one deviation above the threshold
	// Layer is the rain R itself, from another source; nil generates it.
	Layer []float32
}

// RandomRain draws rain as in Rain100L, where R has means of .007 to .05, covers 4 to
// 30 % of the image above .05, leans by up to 35° with a deviation of 16°, and
// correlates over 8 to 27 pixels along and 1.2 to 1.75 across. The inputs have 25 dB on
// average, most between 20 and 27 and a few up to 33.
func RandomRain(rng *rand.Rand) Rain {
	decibels := uniform(rng, 18.8, 27)
	if rng.Float64() < .15 {
		decibels = uniform(rng, 27, 32.5)
	}
	threshold := uniform(rng, .2, 1.3)
	return Rain{
		Angle: normal(rng, 0, 15), Length: logUniform(rng, 24, 70), Width: uniform(rng, .65, 1.1),
		Threshold: threshold, Gain: math.Pow(10, -decibels/20) / excess(threshold),
	}
}

// excess returns the root mean square of max(z − τ, 0) for standard normal z:
// √((1 + τ²)·Q(τ) − τ·φ(τ)).
func excess(threshold float64) float64 {
	q := .5 * math.Erfc(threshold/math.Sqrt2)
	phi := math.Exp(-threshold*threshold/2) / math.Sqrt(2*math.Pi)
	return math.Sqrt((1+threshold*threshold)*q - threshold*phi)
}

// Apply adds the rain.
func (r Rain) Apply(m *Image, rng *rand.Rand) *Image { return r.add(m, rng).Clamp() }

func (r Rain) add(m *Image, rng *rand.Rand) *Image {
	layer := r.Layer
	if layer == nil {
		layer = r.streaks(m.W, m.H, rng)
	}
	return m.under(layer, func(j, r float32) float32 { return j + r })
}

func (r Rain) String() string {
	return fmt.Sprintf("rain %.0f° ℓ=%.0f w=%.1f τ=%.1f g=%.2f", r.Angle, r.Length, r.Width, r.Threshold, r.Gain)
}

// streaks makes R for an image. The noise is on a grid that is turned with the streaks,
// so that both smoothings run along its axes.
func (r Rain) streaks(w, h int, rng *rand.Rand) []float32 {
	n := int(math.Ceil(math.Hypot(float64(w), float64(h)))) + 4
	noise := r.smoothNoise(n, rng)
	sin, cos := math.Sincos(r.Angle * math.Pi / 180)
	z, sum := make([]float32, w*h), 0.
	for y := range h {
		for x := range w {
			dx, dy := float64(x-w/2), float64(y-h/2)
			across, along := dx*cos+dy*sin, dy*cos-dx*sin
			v := bilinear(noise, n, n, across+float64(n)/2, along+float64(n)/2)
			z[y*w+x] = v
			sum += float64(v) * float64(v)
		}
	}
	scale := float32(1 / math.Sqrt(sum/float64(len(z))+1e-12)) // to unit variance
	for i, v := range z {
		z[i] = float32(r.Gain) * max(v*scale-float32(r.Threshold), 0)
	}
	return z
}

// smoothNoise returns n×n values that are smooth down the columns, on two scales of
// equal variance, Length and four times that, because real streaks are dashes along
// longer lines.
func (r Rain) smoothNoise(n int, rng *rand.Rand) []float32 {
	z := smoothColumns(n, r.Length, rng)
	for i, v := range smoothColumns(n, 4*r.Length, rng) {
		z[i] += v
	}
	taps, out := gaussianTaps(r.Width), make([]float32, n*n)
	for y := range n {
		gaussianLine(out[y*n:], z[y*n:], n, 1, taps)
	}
	return out
}

// smoothColumns returns n×n normal values of variance about 1, averaged down the
// columns over a length by two boxes: a triangle, which tapers streaks.
func smoothColumns(n int, length float64, rng *rand.Rand) []float32 {
	k := max(int(length/2+.5), 1)
	scale := math.Sqrt(1.5 * float64(k)) // Σw² of the triangle is about 2/(3k)
	z, tmp := make([]float32, n*n), make([]float32, n*n)
	for i := range z {
		z[i] = float32(scale * rng.NormFloat64())
	}
	for x := range n {
		boxLine(tmp[x:], z[x:], n, n, k)
	}
	for x := range n {
		boxLine(z[x:], tmp[x:], n, n, k)
	}
	return z
}
