package degrade

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Haze is atmospheric scattering (Koschmieder; Narasimhan and Nayar, Vision
// and the atmosphere, 2002; RESIDE uses the same):
//
//	I = J·t + A·(1 − t),  t = exp(−β·d)
//
// with the scene J, the airlight A and the depth d in 0..1.
type Haze struct {
	Beta     float64
	Airlight [3]float64
	// Depth is the depth of every pixel of the image, 1 the farthest. If it is nil,
	// Scene determines it.
	Depth []float32
	Scene Scene
}

// Scene is a synthetic depth of a photograph: a mixture, by weights that sum to 1, of a
// plane that recedes towards one side, a smooth random field, and the picture's own
// large regions, because depth jumps at the edges of objects.
type Scene struct {
	Near             float64 // depth of the nearest point
	Tilt             float64 // direction in which the plane recedes, from upwards, in radians
	Ramp, Fog, Forms float64 // weights of the plane, the field and the regions
	Invert           bool    // dark regions are the far ones
}

// RandomHaze draws haze as in RESIDE's outdoor test set: grey airlight in .7..1;
// transmissions that, measured on the available pairs, lie between .35 and .9 within an
// image, with medians of .5 to .87. On BSD's photographs this gives inputs of about 15
// dB, as in RESIDE.
func RandomHaze(rng *rand.Rand) Haze {
	h := Haze{Beta: -math.Log(uniform(rng, .25, .8)), Scene: randomScene(rng)}
	a := uniform(rng, .72, 1)
	for c := range h.Airlight {
		h.Airlight[c] = min(a+normal(rng, 0, .008), 1)
	}
	return h
}

func randomScene(rng *rand.Rand) Scene {
	ramp, fog, forms := rng.Float64(), .6*rng.Float64(), .8*rng.Float64()
	sum := ramp + fog + forms
	return Scene{
		Near: uniform(rng, .1, .6), Tilt: normal(rng, 0, .5),
		Ramp: ramp / sum, Fog: fog / sum, Forms: forms / sum, Invert: rng.Float64() < .3,
	}
}

// Apply adds the haze.
func (h Haze) Apply(m *Image, rng *rand.Rand) *Image {
	depth := h.Depth
	if depth == nil {
		depth = h.Scene.Depth(m, rng)
	}
	out := m.like()
	for c := range 3 {
		a := float32(h.Airlight[c])
		src, dst := m.Plane(c), out.Plane(c)
		for i, j := range src {
			t := float32(math.Exp(-h.Beta * float64(depth[i])))
			dst[i] = j*t + a*(1-t)
		}
	}
	return out.Clamp()
}

func (h Haze) String() string {
	return fmt.Sprintf("haze β=%.2f A=%.2f", h.Beta, h.Airlight[1])
}

// formsWindow is the window, in pixels, of the guided filter that finds a picture's
// large regions.
const formsWindow = 33

// Depth returns the scene's depth for each pixel of the image, in Near..1.
func (s Scene) Depth(m *Image, rng *rand.Rand) []float32 {
	fog := newField(rng, 4).fill(m)
	luma := m.luma()
	forms := guidedFilter(luma, boxBlur(luma, m.W, m.H, formsWindow), m.W, m.H, formsWindow, .02)
	sin, cos := math.Sincos(s.Tilt)
	depth := make([]float32, len(luma))
	for y := range m.H {
		for x := range m.W {
			i := y*m.W + x
			u, v := m.place(x, y)
			ramp := .5 + (u-.5)*sin - (v-.5)*cos
			form := float64(forms[i])
			if s.Invert {
				form = 1 - form
			}
			d := s.Ramp*ramp + s.Fog*float64(fog[i]) + s.Forms*form
			depth[i] = float32(s.Near + (1-s.Near)*min(max(d, 0), 1))
		}
	}
	return depth
}
