package degrade

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRainAddsItsLayer(t *testing.T) {
	m := picture(12, 9)
	layer := make([]float32, 108)
	for i := range layer {
		layer[i] = float32(i) / 100
	}
	got := Rain{Layer: layer}.Apply(m, nil)
	for i := range got.Pix {
		if want := min(m.Pix[i]+layer[i%108], 1); got.Pix[i] != want {
			t.Fatalf("pixel %d is %g, want %g", i, got.Pix[i], want)
		}
	}
}

func TestStreaksKeepToTheirParameters(t *testing.T) {
	for _, r := range []Rain{
		{Angle: 0, Length: 30, Width: .5, Threshold: 1, Gain: .2},
		{Angle: 30, Length: 40, Width: .6, Threshold: .5, Gain: .3},
		{Angle: -20, Length: 20, Width: .8, Threshold: 1.3, Gain: .1},
	} {
		const n = 300
		layer := r.streaks(n, n, seeded(8))
		wet, along, across := 0, 0., 0.
		sin, cos := math.Sincos(r.Angle * math.Pi / 180)
		for y := 20; y < n-20; y++ {
			for x := 20; x < n-20; x++ {
				v := layer[y*n+x]
				if v > 0 {
					wet++
				}
				fx, fy := float64(x), float64(y)
				along += math.Abs(float64(v - bilinear(layer, n, n, fx-6*sin, fy+6*cos)))
				across += math.Abs(float64(v - bilinear(layer, n, n, fx+6*cos, fy+6*sin)))
			}
		}
		want := .5 * math.Erfc(r.Threshold/math.Sqrt2)
		if got := float64(wet) / (n - 40) / (n - 40); math.Abs(got-want) > .2*want {
			t.Errorf("%s covers %.3f, want %.3f", r, got, want)
		}
		if along > .8*across {
			t.Errorf("%s: changes of %.0f along the streaks, %.0f across", r, along, across)
		}
	}
}

func TestSnowFormula(t *testing.T) {
	m := picture(10, 10)
	mask := make([]float32, 100)
	for i := range mask {
		mask[i] = float32(i) / 99
	}
	got := Snow{Mask: mask}.Apply(m, nil)
	for i := range got.Pix {
		s := mask[i%100]
		if want := m.Pix[i]*(1-s) + s; math.Abs(float64(got.Pix[i]-want)) > 1e-6 {
			t.Fatalf("pixel %d is %g, want %g", i, got.Pix[i], want)
		}
	}
}

func TestFlakeIsAnEllipse(t *testing.T) {
	clear := make([]float32, 41*41)
	for i := range clear {
		clear[i] = 1
	}
	flake{x: 20, y: 20, r: 3, length: 9, alpha: .8, edge: 1, sin: 0, cos: 1}.cover(clear, 41, 41)
	area := 0.
	for _, v := range clear {
		area += float64(1-v) / .8
	}
	if want := math.Pi * 3 * 9; math.Abs(area-want) > .1*want {
		t.Errorf("a flake of 3×9 covers %.1f, want %.1f", area, want)
	}
	if clear[(20+8)*41+20] > .6 || clear[20*41+20+5] != 1 || math.Abs(float64(clear[20*41+20])-.2) > 1e-6 {
		t.Error("the flake does not lie along the way it falls")
	}
}

func TestSnowMasksResembleSnow100K(t *testing.T) {
	var means []float64
	rng := seeded(2)
	for range 40 {
		mask := RandomSnow(rng).flakes(128, 128, rng)
		mean, _ := moments(mask)
		if lo, hi := slices.Min(mask), slices.Max(mask); lo < 0 || hi > 1 {
			t.Fatalf("mask from %g to %g", lo, hi)
		}
		means = append(means, mean)
	}
	slices.Sort(means)
	if means[0] < .004 || means[20] < .03 || means[20] > .2 || means[39] > .4 {
		t.Errorf("means of masks: %.3f", means)
	}
}

func TestLowLightFormula(t *testing.T) {
	m := picture(16, 12)
	l := LowLight{Gamma: 1.7, Gain: [3]float64{.1, .2, .3}}
	got := l.Apply(m, seeded(1))
	for c, gain := range l.Gain {
		for i, x := range m.Plane(c) {
			want := gain * math.Pow(float64(x), 1.7)
			if math.Abs(float64(got.Plane(c)[i])-want) > 1e-6 {
				t.Fatalf("channel %d: %g becomes %g, want %g", c, x, got.Plane(c)[i], want)
			}
		}
	}
}

func TestLowLightNoise(t *testing.T) {
	m := black(200, 200)
	for i := range m.Pix {
		m.Pix[i] = .5
	}
	l := LowLight{Gamma: 1, Gain: [3]float64{1, 1, 1}, Read: .01, Shot: 4e-4, Grain: [3]float64{2, 1, 1.5}, Common: .4}
	got := l.Apply(m, seeded(9))
	want := math.Sqrt(.01*.01 + 4e-4*.5)
	for c, grain := range l.Grain {
		mean, sd := moments(got.Plane(c))
		if math.Abs(mean-.5) > .001 || math.Abs(sd-want*grain) > .02*want*grain {
			t.Errorf("channel %d: mean %.4f, deviation %.4f, want .5 and %.4f", c, mean, sd, want*grain)
		}
	}
	cov := 0.
	for i := range got.Plane(0) {
		cov += float64(got.Plane(0)[i]-.5) * float64(got.Plane(1)[i]-.5) / 40000
	}
	if r := cov / (want * want * 2); math.Abs(r-.4) > .03 {
		t.Errorf("channels correlate by %.2f, want .4", r)
	}
}

// composed is CDD-11's order of composition, written out for given maps.
func composed(c CDD11, j float64, i int, light, depth []float32, noise float64) float64 {
	v := j
	if c.has("low") {
		l := float64(light[i]) + 1e-7
		v = math.Min(math.Max(j/l*math.Pow(l, c.Gamma)+noise, 0), 1)
	}
	if c.has("rain") {
		v += float64(c.Streaks.Layer[i])
	}
	if c.has("snow") {
		v = v*(1-float64(c.Flakes.Mask[i])) + float64(c.Flakes.Mask[i])
	}
	if c.has("haze") {
		tr := math.Exp(-c.Beta * math.Min(1-float64(depth[i]), .7))
		v = v*tr + c.White*(1-tr)
	}
	return math.Min(math.Max(v, 0), 1)
}

func TestCDD11FollowsItsOrder(t *testing.T) {
	m := picture(30, 24)
	n := m.W * m.H
	light, inverse, rain, snow := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range n {
		light[i], inverse[i] = .2+.5*float32(i%30)/30, float32(i/30)/24
		rain[i], snow[i] = .6*float32(i%7)/7, float32(i%11)/11
	}
	light2 := guidedFilter(light, m.luma(), m.W, m.H, 3, .01)
	depth := boxBlur(inverse, m.W, m.H, 22)
	for _, kind := range CDD11Kinds {
		c := RandomCDD11(seeded(4), kind)
		c.Light, c.Inverse, c.Streaks.Layer, c.Flakes.Mask = light, inverse, rain, snow
		got := c.Apply(m, seeded(5))
		rng := seeded(5)
		for k := range 3 {
			for i := range n {
				noise := 0.
				if c.has("low") {
					noise = c.Noise * rng.NormFloat64()
				}
				want := composed(c, float64(m.Plane(k)[i]), i, light2, depth, noise)
				if math.Abs(float64(got.Plane(k)[i])-want) > 2e-6 {
					t.Fatalf("%s: channel %d, pixel %d is %g, want %g", kind, k, i, got.Plane(k)[i], want)
				}
			}
		}
	}
}

func TestUnknownCompositionPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("rain_low is taken for a composition")
		}
	}()
	RandomCDD11(seeded(1), "rain_low")
}

// TestRanges: parameters are drawn from the whole of their ranges, and from nothing else.
func TestRanges(t *testing.T) {
	for _, c := range []struct {
		name   string
		draw   func(rng *rand.Rand) float64
		lo, hi float64
	}{
		{"haze β", func(rng *rand.Rand) float64 { return RandomHaze(rng).Beta }, -math.Log(.8), -math.Log(.25)},
		{"airlight", func(rng *rand.Rand) float64 { return RandomHaze(rng).Airlight[1] }, .7, 1},
		{"rain's angle", func(rng *rand.Rand) float64 { return RandomRain(rng).Angle }, -37.5, 37.5},
		{"rain's length", func(rng *rand.Rand) float64 { return RandomRain(rng).Length }, 24, 70},
		{"rain's threshold", func(rng *rand.Rand) float64 { return RandomRain(rng).Threshold }, .2, 1.3},
		{"rain in dB", func(rng *rand.Rand) float64 {
			r := RandomRain(rng)
			return -20 * math.Log10(r.Gain*excess(r.Threshold))
		}, 18.8, 32.5},
		{"low light's γ", func(rng *rand.Rand) float64 { return RandomLowLight(rng).Gamma }, 1.15, 2.1},
		{"low light's gain", func(rng *rand.Rand) float64 { return math.Log(RandomLowLight(rng).Gain[1]) }, math.Log(.18) - 1.55, math.Log(.18) + 1.55},
		{"read noise", func(rng *rand.Rand) float64 { return 255 * RandomLowLight(rng).Read }, .5, 1.8},
		{"snow's angle", func(rng *rand.Rand) float64 { return RandomSnow(rng).Angle }, -45, 45},
		{"flakes", func(rng *rand.Rand) float64 { return RandomSnow(rng).Count }, 6, 60},
		{"CDD-11's γ", func(rng *rand.Rand) float64 { return RandomCDD11(rng, "low").Gamma }, 2, 3},
		{"CDD-11's noise", func(rng *rand.Rand) float64 { return RandomCDD11(rng, "low").Noise }, .03, .08},
		{"CDD-11's β", func(rng *rand.Rand) float64 { return RandomCDD11(rng, "haze").Beta }, 1, 2},
		{"CDD-11's A", func(rng *rand.Rand) float64 { return RandomCDD11(rng, "haze").White }, .6, .9},
	} {
		rng, drawn := seeded(3), make([]float64, 3000)
		for i := range drawn {
			drawn[i] = c.draw(rng)
		}
		near := .1 * (c.hi - c.lo)
		if lo, hi := slices.Min(drawn), slices.Max(drawn); lo < c.lo-1e-9 || lo > c.lo+near || hi > c.hi+1e-9 || hi < c.hi-near {
			t.Errorf("%s is drawn from %g to %g, want %g to %g", c.name, lo, hi, c.lo, c.hi)
		}
	}
}
