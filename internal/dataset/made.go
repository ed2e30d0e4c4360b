package dataset

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"clusir/internal/dataset/degrade"
)

// makers draw the degradations that a benchmark of clean images may be made
// with, as a training set's are.
var makers = map[string]func(*rand.Rand) degrade.Degradation{
	Derain:  maker(degrade.RandomRain),
	Dehaze:  maker(degrade.RandomHaze),
	Deblur:  maker(degrade.RandomMotion),
	Enhance: maker(degrade.RandomLowLight),
	Desnow:  maker(degrade.RandomSnow),
}

func maker[D degrade.Degradation](random func(*rand.Rand) D) func(*rand.Rand) degrade.Degradation {
	return func(rng *rand.Rand) degrade.Degradation { return random(rng) }
}

func makerNames() string { return strings.Join(slices.Sorted(maps.Keys(makers)), ", ") }

// degraded returns target with a degradation of the given kind. The picture is
// mirrored beyond its edges for a blur that reaches across them.
func (m *Image) degraded(kind string, rng *rand.Rand) *Image {
	const margin = blurMargin
	wide := m.Crop(-margin, -margin, m.W+2*margin, m.H+2*margin)
	in := &degrade.Image{W: wide.W, H: wide.H, Pix: wide.Planar(), X: -margin, Y: -margin, FullW: m.W, FullH: m.H}
	out := makers[kind](rng).Apply(in, rng).Inner(margin)
	return fromPlanar(out.Pix, out.W, out.H)
}
