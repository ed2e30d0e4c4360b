package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"

	"clusir/internal/dataset/degrade"
)

// drawer draws the degradation for a sample from window at of photograph p.
type drawer func(s *Set, p pair, at window, rng *rand.Rand) (degrade.Degradation, error)

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
	return func(_ *Set, _ pair, _ window, rng *rand.Rand) (degrade.Degradation, error) { return random(rng), nil }
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
	r.draw = func(_ *Set, _ pair, _ window, rng *rand.Rand) (degrade.Degradation, error) {
		if rng.IntN(2) == 0 {
			return degrade.RandomMotion(rng), nil
		}
		k := kernels[rng.IntN(len(kernels))]
		return k.Turned(rng.Float64()*2*math.Pi, .5+.5*rng.Float64()), nil
	}
	return r, nil
}

func (p part) hazeRecipe(string) (recipe, error) { return recipe{draw: drawHaze}, nil }

func drawHaze(s *Set, p pair, at window, rng *rand.Rand) (degrade.Degradation, error) {
	h := degrade.RandomHaze(rng)
	depth, err := s.mapPatch(p.depth, p.target, at)
	h.Depth = depth
	return h, err
}

func (p part) compositionRecipe(string) (recipe, error) { return recipe{draw: p.drawComposition}, nil }

func (p part) drawComposition(s *Set, photo pair, at window, rng *rand.Rand) (degrade.Degradation, error) {
	c := degrade.RandomCDD11(rng, p.composition)
	var err error
	if c.Inverse, err = s.mapPatch(photo.depth, photo.target, at); err != nil {
		return nil, err
	}
	c.Light, err = s.mapPatch(photo.light, photo.target, at)
	return c, err
}

// mapPatch reads a window of a map with values in 0..1, nil if there is none.
func (s *Set) mapPatch(file, photo string, at window) ([]float32, error) {
	if file == "" {
		return nil, nil
	}
	m, err := s.cache.get(file)
	if err != nil {
		return nil, err
	}
	whole, err := s.cache.get(photo)
	if err != nil {
		return nil, err
	}
	if m.W != whole.W || m.H != whole.H {
		return nil, fmt.Errorf("%s is %d×%d, its photograph %s %d×%d: make them of one size or remove the map", file, m.W, m.H, photo, whole.W, whole.H)
	}
	return m.cut(at).Planar().Plane(0), nil
}
