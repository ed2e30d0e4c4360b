package dataset

import (
	"image"
	"math/rand/v2"

	"clusir/internal/dataset/degrade"
)

// transfer puts the rain of real pairs on other photographs.
type transfer struct{ pairs []pair }

const (
	transferTries = 8    // pairs tried to find one that is not too bright
	saturated     = 250  // level above which a rainy pixel may have been clipped
	maxSaturated  = .02  // share of a patch that may be clipped
	faintest      = .012 // weaker rain is taken for compression noise
)

// draw selects a patch of a real pair and returns its rain: the degraded image minus
// the clean one, a little stronger or weaker, mirrored in half of the cases. If the
// rainy image is clipped, its rain is only partly known, so bright patches are skipped
// for as many tries as allowed.
func (t transfer) draw(s *Set, _ pair, _ *Image, at image.Rectangle, rng *rand.Rand) (degrade.Degradation, error) {
	var out transferred
	for range transferTries {
		p := t.pairs[rng.IntN(len(t.pairs))]
		clean, err := s.cache.get(p.target)
		if err != nil {
			return nil, err
		}
		rainy, err := s.cache.get(p.input)
		if err != nil {
			return nil, err
		}
		from := clean.window(at.Dx(), rng)
		layer, clipped := rainOf(rainy.Crop(from), clean.Crop(from), .8+.45*rng.Float64(), rng.IntN(2) == 0)
		out = transferred{degrade.Rain{Layer: layer}, stem(p.input)}
		if clipped <= maxSaturated {
			break
		}
	}
	return out, nil
}

// transferred is rain that records where it comes from.
type transferred struct {
	degrade.Rain
	from string
}

func (t transferred) String() string { return "rain of " + t.from }

// rainOf returns the rain of a pair and the share of clipped pixels.
func rainOf(rainy, clean *Image, strength float64, mirror bool) (layer []float32, clipped float64) {
	layer = make([]float32, rainy.W*rainy.H)
	n := 0
	for i := range layer {
		r, c := rainy.Pix[3*i:][:3], clean.Pix[3*i:][:3]
		if max(r[0], r[1], r[2]) >= saturated {
			n++
		}
		v := (float32(r[0]) + float32(r[1]) + float32(r[2]) - float32(c[0]) - float32(c[1]) - float32(c[2])) / (3 * 255)
		if v < faintest {
			continue
		}
		at := i
		if mirror {
			at = i - i%rainy.W + rainy.W - 1 - i%rainy.W
		}
		layer[at] = v * float32(strength)
	}
	return layer, float64(n) / float64(len(layer))
}
