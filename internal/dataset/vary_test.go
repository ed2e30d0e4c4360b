package dataset

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// varied returns a set of one task over a few photographs.
func varied(t *testing.T, task Task, v Vary) *Set {
	t.Helper()
	dir := t.TempDir()
	writeImages(t, dir, 64, 48, "Train/Denoise/1.png", "Train/Denoise/2.png")
	s, _, err := Open(Options{Root: dir, Tasks: []Task{task}, Patch: 32, Cache: 1 << 20, Vary: v})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// samples draws n samples of a set.
func samples(t *testing.T, s *Set, n int) (inputs, targets [][]float32) {
	t.Helper()
	for i := range n {
		in, target := make([]float32, 3*32*32), make([]float32, 3*32*32)
		if _, err := s.Sample(in, target, i/s.Len(), i%s.Len()); err != nil {
			t.Fatal(err)
		}
		inputs, targets = append(inputs, in), append(targets, target)
	}
	return inputs, targets
}

func meanAbs(a, b []float32) float64 {
	sum := 0.
	for i := range a {
		sum += math.Abs(float64(a[i] - b[i]))
	}
	return sum / float64(len(a))
}

func TestCleanIsLeftAlone(t *testing.T) {
	inputs, targets := samples(t, varied(t, Task{Kind: Clean, Repeat: 2}, Vary{Mild: 1, Grey: .5, Bars: .5, Graphics: .5}), 20)
	for i := range inputs {
		if !slices.Equal(inputs[i], targets[i]) {
			t.Errorf("sample %d of the clean task is changed", i)
		}
	}
}

func TestSigmaRange(t *testing.T) {
	inputs, targets := samples(t, varied(t, Task{Kind: Denoise, Repeat: 1, SigmaRange: []float64{30, 50}}, Vary{}), 60)
	var levels []float64
	for i := range inputs {
		levels = append(levels, meanAbs(inputs[i], targets[i])*255)
	}
	slices.Sort(levels)
	// The mean absolute deviation of a normal distribution is 0.8 σ; clipping reduces
	// it a little.
	if levels[0] < 20 || levels[0] > 26 || levels[59] < 30 || levels[59] > 38 {
		t.Errorf("noise of %.1f to %.1f levels, median %.1f", levels[0], levels[59], levels[30])
	}
}

// Variation does not change what was drawn for the tasks.
func TestVary(t *testing.T) {
	task := Task{Kind: Denoise, Repeat: 1, Sigmas: []float64{40}}
	plainIn, plainTarget := samples(t, varied(t, task, Vary{}), 12)
	for name, c := range map[string]struct {
		vary Vary
		ok   func(i int, in, target []float32) bool
	}{
		"none": {Vary{}, func(i int, in, target []float32) bool {
			return slices.Equal(in, plainIn[i]) && slices.Equal(target, plainTarget[i])
		}},
		"mild": {Vary{Mild: 1}, func(i int, in, target []float32) bool {
			return slices.Equal(target, plainTarget[i]) && meanAbs(in, target) < meanAbs(plainIn[i], target)
		}},
		"grey": {Vary{Grey: 1}, func(_ int, in, target []float32) bool { return isGrey(in) && isGrey(target) }},
		"bars": {Vary{Bars: 1}, func(i int, in, target []float32) bool {
			return !slices.Equal(target, plainTarget[i]) && !slices.Equal(in, target)
		}},
		"graphics": {Vary{Graphics: 1}, func(i int, in, target []float32) bool {
			return !slices.Equal(target, plainTarget[i]) && meanAbs(in, target) > .02
		}},
		"jpeg": {Vary{JPEG: 1}, func(i int, in, target []float32) bool { return !slices.Equal(in, plainIn[i]) }},
	} {
		t.Run(name, func(t *testing.T) {
			inputs, targets := samples(t, varied(t, task, c.vary), 12)
			again, _ := samples(t, varied(t, task, c.vary), 12)
			for i := range inputs {
				if !c.ok(i, inputs[i], targets[i]) {
					t.Errorf("sample %d is not as it should be", i)
				}
				if !slices.Equal(inputs[i], again[i]) {
					t.Errorf("sample %d differs the second time", i)
				}
			}
		})
	}
	if got := (Vary{Bars: 2}).Faults(); len(got) != 1 || got[0].Field != "bars" {
		t.Errorf("a share of 2 has the faults %v", got)
	}
}

// TestPairsHaveNoPhotographToVary: what is done to a photograph before it is degraded is
// neither done to a pair nor said of it.
func TestPairsHaveNoPhotographToVary(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 40, 50, "in/1.png", "gt/1.png")
	o := options(dir, Task{Kind: Pairs, Input: "in", Target: "gt", Repeat: 12})
	o.Vary = Vary{JPEG: 1, Graphics: 1}
	s, _ := open(t, o)
	for i := range s.Len() {
		if _, _, info := sample(t, s, 0, i); strings.Contains(info.Params, "of JPEG") || strings.Contains(info.Params, "graphics") {
			t.Errorf("pair %d is said to be%s", i, info.Params)
		}
	}
}

func isGrey(planar []float32) bool {
	n := len(planar) / 3
	return slices.Equal(planar[:n], planar[n:2*n]) && slices.Equal(planar[:n], planar[2*n:])
}

// TestVariation: what is drawn covers its ranges, and is done to the images that it is meant for.
func TestVariation(t *testing.T) {
	rng, least, best, strongest := newRand(1), bestQuality, 0, 0.
	for range 1000 {
		v := Vary{Mild: 1, JPEG: 1}.draw(rng)
		for _, quality := range []int{v.before, v.after} {
			if quality > 0 {
				least, best = min(least, quality), max(best, quality)
			}
		}
		strongest = max(strongest, v.strength)
	}
	if least != minQuality || best != bestQuality || strongest < .9 || strongest >= 1 {
		t.Errorf("qualities of %d to %d, strengths of up to %g", least, best, strongest)
	}
	clean, degraded := NewImage(8, 8), NewImage(8, 8)
	for i := range clean.Pix {
		clean.Pix[i], degraded.Pix[i] = uint8(i), uint8(i+40)
	}
	if got, same := (variation{strength: .25}).finish(degraded, clean); got.Pix[5] != 15 || same != clean {
		t.Errorf("a quarter of 40 levels: %d becomes %d", clean.Pix[5], got.Pix[5])
	}
	if got, same := (variation{strength: 1, after: 30}).finish(degraded, clean); slices.Equal(got.Pix, degraded.Pix) || same != clean {
		t.Error("JPEG is not for the degraded image alone")
	}
	if got := (&Image{W: 2, H: 1, Pix: []uint8{255, 255, 255, 255, 0, 0}}).grey().Pix; !slices.Equal(got, []uint8{255, 255, 255, 76, 76, 76}) {
		t.Errorf("white and red are %v in grey", got)
	}
	covered := bars{left: 1, top: 2, right: 3, bottom: 4, colour: [3]uint8{200, 200, 200}}.cover(clean)
	for i := range 64 {
		x, y := i%8, i/8
		inside := x >= 1 && x < 5 && y >= 2 && y < 4
		if got := covered.Pix[3*i]; inside != (got == clean.Pix[3*i]) || !inside && got != 200 {
			t.Errorf("(%d, %d) is %d under bars", x, y, got)
		}
	}
}
