package dataset

import (
	"math/rand/v2"

	"clusir/internal/dataset/degrade"
)

// degraded returns target with a degradation of the given kind. The picture is
// mirrored beyond its edges for a blur that reaches across them.
func (m *Image) degraded(kind string, rng *rand.Rand) *Image {
	const margin = blurMargin
	wide := m.Crop(-margin, -margin, m.W+2*margin, m.H+2*margin)
	in := &degrade.Image{W: wide.W, H: wide.H, Pix: wide.Planar(), X: -margin, Y: -margin, FullW: m.W, FullH: m.H}
	out := kindOf(kind).random(rng).Apply(in, rng).Inner(margin)
	return fromPlanar(out.Pix, out.W, out.H)
}
