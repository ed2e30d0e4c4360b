package degrade

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// CDD11Kinds are the eleven compositions of CDD-11 (Guo et al., OneRestore, 2024),
// named like their folders.
var CDD11Kinds = []string{
	"low", "haze", "rain", "snow",
	"low_haze", "low_rain", "low_snow", "haze_rain", "haze_snow",
	"low_haze_rain", "low_haze_snow",
}

// CDD11 is a composition of CDD-11, in its order:
//
//	low light  J/L·L^γ + n, clipped; L is the grey image after a 3×3 guided
//	           filter (eps 0.01) whose guide is the light map
//	rain       + streaks
//	snow       x·(1 − S) + S
//	haze       x·t + A·(1 − t), t = exp(−β·min(1 − d̄, 0.7)), d̄ the inverse
//	           depth under a 22×22 box blur
type CDD11 struct {
	Kind        string
	Gamma       float64 // of low light
	Noise       float64 // standard deviation of n
	Beta, White float64 // of haze; White is A
	Streaks     Rain
	Flakes      Snow
	Scene       Scene
	// What CDD-11 knows of the clear image, one value per pixel in 0..1; nil maps are
	// replaced by synthetic ones.
	Light   []float32 // the illumination
	Inverse []float32 // the inverse depth, 1 the nearest
}

// RandomCDD11 draws a composition's parameters from CDD-11's distributions: γ ~ U(2,
// 3), the deviation of n ~ U(.03, .08), β ~ U(1, 2), A ~ U(.6, .9). It panics on an
// unknown kind. Synthetic streaks are as dense as those of its rain masks, whose known
// means are .09 to .12 and deviations .045.
func RandomCDD11(rng *rand.Rand, kind string) CDD11 {
	if !slices.Contains(CDD11Kinds, kind) {
		panic(fmt.Sprintf("degrade: CDD-11 has no composition %q", kind))
	}
	return CDD11{
		Kind: kind, Gamma: uniform(rng, 2, 3), Noise: uniform(rng, .03, .08),
		Beta: uniform(rng, 1, 2), White: uniform(rng, .6, .9),
		Streaks: Rain{
			Angle: normal(rng, 0, 6), Length: uniform(rng, 30, 90), Width: uniform(rng, .6, 1),
			Threshold: uniform(rng, -2.8, -2.2), Gain: uniform(rng, .035, .05),
		},
		Flakes: RandomSnow(rng), Scene: randomScene(rng),
	}
}

func (c CDD11) has(part string) bool { return slices.Contains(strings.Split(c.Kind, "_"), part) }

// Apply composes the degradations.
func (c CDD11) Apply(m *Image, rng *rand.Rand) *Image {
	out := m.like()
	copy(out.Pix, m.Pix)
	if c.has("low") {
		out = c.low(m, rng)
	}
	if c.has("rain") {
		out = c.Streaks.add(out, rng)
	}
	if c.has("snow") {
		out = c.Flakes.cover(out, rng)
	}
	if c.has("haze") {
		depth := c.depth(m, rng)
		out = Haze{Beta: c.Beta, Airlight: [3]float64{c.White, c.White, c.White}, Depth: depth}.Apply(out, rng)
	}
	return out.Clamp()
}

func (c CDD11) low(m *Image, rng *rand.Rand) *Image {
	luma, light := m.luma(), c.Light
	if light == nil {
		light = lightMap(m)
	}
	// Like the program that made CDD-11: the light map is the guide, and the picture is
	// filtered. Its dark parts become darker than by the light alone.
	light = guidedFilter(light, luma, m.W, m.H, 3, .01)
	out := m.like()
	for k := range 3 {
		src, dst := m.Plane(k), out.Plane(k)
		for i, j := range src {
			l := max(float64(light[i]), 0) + 1e-7
			dst[i] = j/float32(l)*float32(math.Pow(l, c.Gamma)) + float32(c.Noise*rng.NormFloat64())
		}
	}
	return out.Clamp()
}

// lightMap synthesises an illumination: the largest channel, smoothed except at the
// large edges of the image, as LIME refines it (Guo, Li and Ling, 2017). The linear
// coefficients fit the known light map with a correlation of .96.
func lightMap(m *Image) []float32 {
	brightest := make([]float32, m.W*m.H)
	r, g, b := m.Plane(0), m.Plane(1), m.Plane(2)
	for i := range brightest {
		brightest[i] = .1 + .78*max(r[i], g[i], b[i])
	}
	return guidedFilter(m.luma(), boxBlur(brightest, m.W, m.H, 15), m.W, m.H, 15, .01)
}

func (c CDD11) depth(m *Image, rng *rand.Rand) []float32 {
	inverse := c.Inverse
	if inverse == nil {
		inverse = c.Scene.Depth(m, rng)
		for i, d := range inverse {
			inverse[i] = 1 - d
		}
	}
	depth := boxBlur(inverse, m.W, m.H, 22)
	for i, v := range depth {
		depth[i] = min(1-v, .7)
	}
	return depth
}

func (c CDD11) String() string {
	s := c.Kind
	if c.has("low") {
		s += fmt.Sprintf(" γ=%.1f σ=%.0f", c.Gamma, c.Noise*255)
	}
	if c.has("haze") {
		s += fmt.Sprintf(" β=%.1f A=%.2f", c.Beta, c.White)
	}
	return s
}
