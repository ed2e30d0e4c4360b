package degrade

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Snow covers a scene with flakes (Liu et al., DesnowNet, 2018):
//
//	I = J·(1 − S) + S
//
// with a mask S of three kinds of flakes, as in that paper's Snow100K: far ones
// too small to tell apart, flakes that fall past, and large ones out of focus
// close to the lens. Where flakes lie over one another, 1 − S multiplies.
type Snow struct {
	Angle   float64 // in which it falls, from the vertical, in degrees
	Far     float64 // brightness of the far flakes
	Count   float64 // of falling flakes per 100×100 pixels
	Radius  float64 // of a falling flake across its path, in pixels
	Stretch float64 // its length over its width
	Close   float64 // large flakes per 100×100 pixels
	// Mask is S itself, from another source; nil generates it.
	Mask []float32
}

// RandomSnow draws snow with masks like the available ones of Snow100K, whose means are
// .02 to .25.
func RandomSnow(rng *rand.Rand) Snow {
	s := Snow{
		Angle: normal(rng, 0, 18), Count: logUniform(rng, 6, 60), Radius: logUniform(rng, .8, 2),
		Stretch: uniform(rng, 1, 3),
	}
	if rng.Float64() < .6 {
		s.Far = uniform(rng, .04, .35)
	}
	if rng.Float64() < .5 {
		s.Close = logUniform(rng, .05, .6)
	}
	return s
}

// Apply covers the image.
func (s Snow) Apply(m *Image, rng *rand.Rand) *Image { return s.cover(m, rng).Clamp() }

func (s Snow) cover(m *Image, rng *rand.Rand) *Image {
	mask := s.Mask
	if mask == nil {
		mask = s.flakes(m.W, m.H, rng)
	}
	return m.under(mask, func(j, s float32) float32 { return j*(1-s) + s })
}

func (s Snow) String() string {
	return fmt.Sprintf("snow %.0f flakes r=%.1f far=%.2f close=%.1f", s.Count, s.Radius, s.Far, s.Close)
}

// flakes makes S for an image.
func (s Snow) flakes(w, h int, rng *rand.Rand) []float32 {
	clear := make([]float32, w*h) // 1 − S
	far := Rain{Angle: s.Angle, Length: 5, Width: .9, Threshold: -.3, Gain: s.Far}
	for i, v := range far.streaks(w, h, rng) {
		clear[i] = 1 - min(v, .6)
	}
	sin, cos := math.Sincos(s.Angle * math.Pi / 180)
	const beyond = 20 // pixels around the image in which flakes may lie
	area := float64((w+2*beyond)*(h+2*beyond)) / 1e4
	draw := func(density float64, f func() flake) {
		for range int(density*area + rng.Float64()) {
			fl := f()
			fl.x, fl.y = uniform(rng, -beyond, float64(w+beyond)), uniform(rng, -beyond, float64(h+beyond))
			fl.sin, fl.cos = sin, cos
			fl.cover(clear, w, h)
		}
	}
	draw(s.Count, func() flake {
		r := s.Radius * logUniform(rng, .6, 1.7)
		return flake{r: r, length: r * s.Stretch, alpha: uniform(rng, .25, .95), edge: 1}
	})
	draw(s.Close, func() flake {
		r := uniform(rng, 3, 9)
		return flake{r: r, length: r * uniform(rng, 1, 1.3), alpha: uniform(rng, .15, .45), edge: 2}
	})
	for i := range clear {
		clear[i] = 1 - clear[i]
	}
	return clear
}

// flake is a soft ellipse: half axes r across the direction of falling and length along
// it, fading out over edge pixels.
type flake struct{ x, y, r, length, alpha, edge, sin, cos float64 }

func (f flake) cover(clear []float32, w, h int) {
	reach := f.length + f.r + f.edge
	for y := max(int(f.y-reach), 0); y < min(int(f.y+reach)+2, h); y++ {
		for x := max(int(f.x-reach), 0); x < min(int(f.x+reach)+2, w); x++ {
			dx, dy := float64(x)-f.x, float64(y)-f.y
			across, along := dx*f.cos+dy*f.sin, dy*f.cos-dx*f.sin
			d := math.Hypot(across/f.r, along/f.length) // 1 on the ellipse
			a := min(max((1-d)*f.r/f.edge+.5, 0), 1)
			clear[y*w+x] *= float32(1 - f.alpha*a)
		}
	}
}
