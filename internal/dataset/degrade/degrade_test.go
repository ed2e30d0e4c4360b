package degrade

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"clusir/internal/planar"
)

// black returns a black image that is a whole photograph.
func black(w, h int) *Image {
	return &Image{Image: planar.New(3, h, w), FullW: w, FullH: h}
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// picture returns an image with flat, smooth and rough parts.
func picture(w, h int) *Image {
	rng := seeded(1)
	m := black(w, h)
	for c := range 3 {
		for y := range h {
			for x := range w {
				v := .5 + .3*math.Sin(float64(x*(c+1))/9)*math.Cos(float64(y)/13)
				if x > w/2 {
					v += .15 * (rng.Float64() - .5)
				}
				m.Plane(c)[y*w+x] = float32(v)
			}
		}
	}
	return m
}

// all returns one draw of every degradation.
func all(seed uint64) []Degradation {
	rng := seeded(seed)
	kernel := Kernel{3, 3, []float32{0, .1, .2, .3, .4, 0, 0, 0, 0}}
	out := []Degradation{RandomHaze(rng), RandomRain(rng), RandomSnow(rng), RandomLowLight(rng), RandomMotion(rng), kernel}
	for _, k := range CDD11Kinds {
		out = append(out, RandomCDD11(rng, k))
	}
	return out
}

func TestDegradationsArePureAndBounded(t *testing.T) {
	for seed := range uint64(5) {
		m := picture(53, 38)
		before := slices.Clone(m.Pix)
		for _, d := range all(seed) {
			a, b := d.Apply(m, seeded(seed)), d.Apply(m, seeded(seed))
			if !slices.Equal(a.Pix, b.Pix) {
				t.Errorf("%s: the same generator gives two results", d)
			}
			if a.W != m.W || a.H != m.H || slices.Equal(a.Pix, m.Pix) {
				t.Errorf("%s: %d×%d from %d×%d, or unchanged", d, a.W, a.H, m.W, m.H)
			}
			if lo, hi := slices.Min(a.Pix), slices.Max(a.Pix); !(lo >= 0 && hi <= 1) {
				t.Errorf("%s: values from %g to %g", d, lo, hi)
			}
			if !slices.Equal(m.Pix, before) {
				t.Fatalf("%s changed its argument", d)
			}
		}
	}
}

func TestNoiseIsTheProtocols(t *testing.T) {
	src := []uint8{0, 1, 128, 254, 255, 77}
	for _, sigma := range []float64{0, 15, 50} {
		got := make([]uint8, len(src))
		Noise(got, src, sigma, seeded(3))
		rng := seeded(3)
		for i, v := range src {
			x := float64(v) + sigma*rng.NormFloat64()
			want := uint8(math.Trunc(math.Min(math.Max(x, 0), 255)))
			if got[i] != want {
				t.Errorf("σ=%g: %d becomes %d, want %d", sigma, v, got[i], want)
			}
		}
	}
	src = make([]uint8, 1<<16)
	for i := range src {
		src[i] = 128
	}
	dst := make([]uint8, len(src))
	Noise(dst, src, 25, seeded(4))
	mean, sd := moments(dst)
	// Truncation lowers the mean by half a level.
	if math.Abs(mean-127.5) > .4 || math.Abs(sd-25) > .3 {
		t.Errorf("mean %.2f, deviation %.2f, want 127.5 and 25", mean, sd)
	}
}

func moments[T uint8 | float32](v []T) (mean, sd float64) {
	for _, x := range v {
		mean += float64(x) / float64(len(v))
	}
	for _, x := range v {
		sd += (float64(x) - mean) * (float64(x) - mean) / float64(len(v))
	}
	return mean, math.Sqrt(sd)
}

func TestHazeFormula(t *testing.T) {
	m := picture(9, 7)
	depth := make([]float32, 63)
	for i := range depth {
		depth[i] = float32(i) / 62
	}
	h := Haze{Beta: 1.3, Airlight: [3]float64{.7, .8, .9}, Depth: depth}
	got := h.Apply(m, nil)
	for c, a := range h.Airlight {
		for i, d := range depth {
			tr := math.Exp(-1.3 * float64(d))
			want := float64(m.Plane(c)[i])*tr + a*(1-tr)
			if math.Abs(float64(got.Plane(c)[i])-want) > 1e-6 {
				t.Fatalf("channel %d, pixel %d: %g, want %g", c, i, got.Plane(c)[i], want)
			}
		}
	}
}

// Two crops of a photograph must have the same haze.
func TestSceneBelongsToThePhotograph(t *testing.T) {
	whole := picture(80, 60)
	crop := whole.Inner(20)
	if crop.W != 40 || crop.X != 20 || crop.FullW != 80 || crop.Plane(1)[3] != whole.Plane(1)[20*80+23] {
		t.Fatalf("Inner gives %d×%d at (%d, %d)", crop.W, crop.H, crop.X, crop.Y)
	}
	s := Scene{Near: .2, Tilt: .4, Ramp: .6, Fog: .4}
	a, b := s.Depth(whole, seeded(5)), s.Depth(crop, seeded(5))
	for y := range crop.H {
		for x := range crop.W {
			if a[(y+20)*80+x+20] != b[y*40+x] {
				t.Fatalf("depth at (%d, %d) is %g in the crop and %g in the whole", x, y, b[y*40+x], a[(y+20)*80+x+20])
			}
		}
	}
	for i, d := range RandomHaze(seeded(1)).Scene.Depth(whole, seeded(6)) {
		if d < 0 || d > 1 {
			t.Fatalf("depth %d is %g", i, d)
		}
	}
}

func TestFieldIsSmooth(t *testing.T) {
	f := newField(seeded(2), 5)
	last := f.at(0, .3)
	for u := 0.; u <= 1; u += .001 {
		v := f.at(u, .3)
		if v < 0 || v > 1 || math.Abs(v-last) > .01 {
			t.Fatalf("at %g the field goes from %g to %g", u, last, v)
		}
		last = v
	}
	if f.at(.25, .5) != f.grid[2*5+1] {
		t.Error("the field does not pass through its grid")
	}
}

func TestBoxBlur(t *testing.T) {
	m := picture(11, 8)
	for _, k := range []int{1, 2, 3, 6, 15, 22} {
		got := boxBlur(m.Plane(0), 11, 8, k)
		for y := range 8 {
			for x := range 11 {
				sum := 0.
				for j := -(k / 2); j < k-k/2; j++ {
					for i := -(k / 2); i < k-k/2; i++ {
						sum += float64(m.Plane(0)[planar.Reflect(y+j, 8)*11+planar.Reflect(x+i, 11)])
					}
				}
				if want := sum / float64(k*k); math.Abs(float64(got[y*11+x])-want) > 1e-6 {
					t.Fatalf("k=%d (%d, %d): %g, want %g", k, x, y, got[y*11+x], want)
				}
			}
		}
	}
}

func TestGuidedFilter(t *testing.T) {
	m := picture(20, 16)
	guide, flat := m.Plane(0), make([]float32, 320)
	for i := range flat {
		flat[i] = .3
	}
	for i, v := range guidedFilter(guide, flat, 20, 16, 5, .01) {
		if math.Abs(float64(v)-.3) > 1e-5 {
			t.Fatalf("a flat image becomes %g at %d", v, i)
		}
	}
	// With the image as its own guide and a tiny eps, the filter changes nothing.
	for i, v := range guidedFilter(guide, guide, 20, 16, 5, 1e-7) {
		if math.Abs(float64(v-guide[i])) > 5e-3 {
			t.Fatalf("pixel %d is %g, its guide %g", i, v, guide[i])
		}
	}
}

func TestGaussianLine(t *testing.T) {
	src, got := make([]float32, 31), make([]float32, 31)
	src[15] = 1
	gaussianLine(got, src, 31, 1, gaussianTaps(2))
	sum, variance := 0., 0.
	for x, v := range got {
		sum += float64(v)
		variance += float64(v) * float64((x-15)*(x-15))
	}
	if math.Abs(sum-1) > 1e-5 || math.Abs(variance-4) > .15 {
		t.Errorf("an impulse becomes mass %g, variance %g, want 1 and 4", sum, variance)
	}
}
