package dataset

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"

	"clusir/internal/dataset/degrade"
)

// drawer draws the degradation for a sample from window at of a photograph, the target
// of p.
type drawer func(s *Set, p pair, photo *Image, at image.Rectangle, rng *rand.Rand) (degrade.Degradation, error)

// recipe says how degradations of a kind are made.
type recipe struct {
	draw   drawer
	margin int     // pixels around a patch that affect it
	zoom   float64 // up to which photographs are enlarged first, if above 1
}

// Sharp video frames, from which GoPro is made, have less detail per pixel than
// photographs that were scaled down, and motion over more pixels.
const (
	blurZoom   = 2
	blurMargin = 16
)

// recipe returns how the part's synthetic degradations are made.
func (p part) recipe(root string) (recipe, error) {
	k := kindOf(p.Kind)
	if k.recipe != nil {
		return k.recipe(p, root)
	}
	return recipe{draw: plain(k.random)}, nil
}

// plain draws degradations that depend only on the generator.
func plain(random func(*rand.Rand) degrade.Degradation) drawer {
	return func(_ *Set, _ pair, _ *Image, _ image.Rectangle, rng *rand.Rand) (degrade.Degradation, error) {
		return random(rng), nil
	}
}

func (p part) blurRecipe(root string) (recipe, error) {
	r := recipe{draw: plain(random(degrade.RandomMotion)), margin: blurMargin, zoom: blurZoom}
	if p.Kernels == "" {
		return r, nil
	}
	kernels, err := degrade.ReadKernels(under(root, p.Kernels))
	if err != nil {
		return r, fmt.Errorf("kernels: %w", err)
	}
	for _, k := range kernels {
		r.margin = max(r.margin, (k.W+1)/2, (k.H+1)/2)
	}
	r.draw = func(_ *Set, _ pair, _ *Image, _ image.Rectangle, rng *rand.Rand) (degrade.Degradation, error) {
		if rng.IntN(2) == 0 {
			return degrade.RandomMotion(rng), nil
		}
		k := kernels[rng.IntN(len(kernels))]
		return k.Turned(rng.Float64()*2*math.Pi, .5+.5*rng.Float64()), nil
	}
	return r, nil
}

func (p part) hazeRecipe(string) (recipe, error) { return recipe{draw: drawHaze}, nil }

func drawHaze(s *Set, p pair, photo *Image, at image.Rectangle, rng *rand.Rand) (_ degrade.Degradation, err error) {
	h := degrade.RandomHaze(rng)
	h.Depth, err = s.mapPatch(p.depth, p, photo, at)
	return h, err
}

func (p part) compositionRecipe(string) (recipe, error) { return recipe{draw: p.drawComposition}, nil }

func (p part) drawComposition(s *Set, files pair, photo *Image, at image.Rectangle, rng *rand.Rand) (_ degrade.Degradation, err error) {
	c := degrade.RandomCDD11(rng, p.composition)
	if c.Inverse, err = s.mapPatch(files.depth, files, photo, at); err != nil {
		return nil, err
	}
	c.Light, err = s.mapPatch(files.light, files, photo, at)
	return c, err
}

// mapPatch reads a window of a photograph's map with values in 0..1, nil if there is none.
func (s *Set) mapPatch(file string, p pair, photo *Image, at image.Rectangle) ([]float32, error) {
	if file == "" {
		return nil, nil
	}
	m, err := s.cache.get(file)
	if err != nil {
		return nil, err
	}
	if err := m.pairs(file, photo, p.target); err != nil {
		return nil, err
	}
	return m.Crop(at).Planar().Plane(0), nil
}
