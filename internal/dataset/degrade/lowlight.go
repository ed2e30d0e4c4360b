package degrade

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// LowLight is a photograph taken with too little light:
//
//	y = Gain_c·x^Gamma,  I = y + √(Read² + Shot·y)·Grain_c·n_c
//
// with the shot noise of photon counting and the read noise of the sensor
// (Foi et al., Practical Poissonian-Gaussian noise modeling and fitting, 2008),
// n_c standard normal, a part Common of its variance shared by the channels.
type LowLight struct {
	Gamma  float64
	Gain   [3]float64
	Read   float64
	Shot   float64
	Grain  [3]float64
	Common float64
}

// RandomLowLight draws from what the 60 available LOL-v1 training pairs show: binned by
// clean level, their dark images follow y = s·x^γ with γ of 1.2 to 2.1 and s of .09 to
// .35 (10 % and 90 %), with channels differing by ±15 %; in flat parts of the clean
// image, noise of 2.0, 1.15 and 1.45 levels in R, G and B, white over pixels, with a
// correlation of .35 among channels. Inputs: mean .057, 8 dB.
func RandomLowLight(rng *rand.Rand) LowLight {
	l := LowLight{
		Gamma: uniform(rng, 1.15, 2.1), Read: logUniform(rng, .5, 1.8) / 255,
		Shot: logUniform(rng, 1e-5, 2e-4), Grain: [3]float64{1.7, 1, 1.3}, Common: uniform(rng, 0, .4),
	}
	gain := math.Exp(normal(rng, math.Log(.18), .5))
	for c := range l.Gain {
		l.Gain[c] = gain * math.Exp(normal(rng, 0, .12))
	}
	return l
}

// Apply darkens the image and adds the noise.
func (l LowLight) Apply(m *Image, rng *rand.Rand) *Image {
	out := m.like()
	common := make([]float64, m.W*m.H)
	for i := range common {
		common[i] = rng.NormFloat64()
	}
	own, shared := math.Sqrt(1-l.Common), math.Sqrt(l.Common)
	for c := range 3 {
		src, dst := m.Plane(c), out.Plane(c)
		for i, x := range src {
			y := l.Gain[c] * math.Pow(float64(x), l.Gamma)
			n := own*rng.NormFloat64() + shared*common[i]
			dst[i] = float32(y + math.Sqrt(l.Read*l.Read+l.Shot*y)*l.Grain[c]*n)
		}
	}
	return out.Clamp()
}

func (l LowLight) String() string {
	return fmt.Sprintf("low light γ=%.2f gain=%.2f read=%.1f", l.Gamma, l.Gain[1], l.Read*255)
}
