// Package degrade implements the image degradations that clusir trains against, as pure
// functions: the same image, parameters and generator give the same result.
//
// Each degradation is a struct of parameters with an Apply method; its comment states
// the formula. A Random function draws the parameters from a distribution matched to
// the real pairs of the field's data sets; its comment says what was matched.
package degrade

import (
	"image"
	"math"
	"math/rand/v2"

	"clusir/internal/planar"
)

// Image is a part of a photograph, with three channels. Its first pixel is at (X, Y) in
// a photograph of FullW×FullH. Degradations that vary over a photograph, such as haze,
// use the position; a whole photograph is at (0, 0).
type Image struct {
	planar.Image
	X, Y         int
	FullW, FullH int
}

// like returns a black image of m's size and position.
func (m *Image) like() *Image {
	out := *m
	out.Pix = make([]float32, len(m.Pix))
	return &out
}

// under returns the image with a layer, of one value for each pixel, combined with its
// values.
func (m *Image) under(layer []float32, combine func(value, layer float32) float32) *Image {
	out := m.like()
	for c := range 3 {
		src, dst := m.Plane(c), out.Plane(c)
		for i, v := range src {
			dst[i] = combine(v, layer[i])
		}
	}
	return out
}

// Clamp clamps all values to 0..1, as a camera or a file does.
func (m *Image) Clamp() *Image {
	m.Image.Clamp()
	return m
}

// Inner returns the image without a border of the given width.
func (m *Image) Inner(border int) *Image {
	inner := image.Rect(0, 0, m.W, m.H).Inset(border)
	return &Image{Image: m.Cut(nil, inner), X: m.X + border, Y: m.Y + border, FullW: m.FullW, FullH: m.FullH}
}

// luma returns the grey image by ITU-R BT.601's weights.
func (m *Image) luma() []float32 {
	r, g, b := m.Plane(0), m.Plane(1), m.Plane(2)
	out := make([]float32, len(r))
	for i := range out {
		out[i] = .299*r[i] + .587*g[i] + .114*b[i]
	}
	return out
}

// Degradation is a degradation that can be applied to training samples.
type Degradation interface {
	// Apply returns the degraded image, clamped to 0..1.
	Apply(m *Image, rng *rand.Rand) *Image
	// String describes the degradation and its parameters briefly.
	String() string
}

// uniform draws from [lo, hi).
func uniform(rng *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }

// logUniform draws from [lo, hi) such that all octaves are equally likely.
func logUniform(rng *rand.Rand, lo, hi float64) float64 {
	return lo * math.Exp(rng.Float64()*math.Log(hi/lo))
}

// normal draws from a normal distribution truncated to mean ± 2.5 deviations.
func normal(rng *rand.Rand, mean, sd float64) float64 {
	return mean + sd*min(max(rng.NormFloat64(), -2.5), 2.5)
}
