package dataset

import (
	"fmt"
	"math/rand/v2"

	"clusir/internal/dataset/degrade"
)

// Words that keep the generators of different purposes apart.
const (
	wordOrder = iota + 1
	wordSample
	wordBenchmark
)

// Info says where a sample came from.
type Info struct {
	Task   string // its task's kind
	Input  string // the degraded image's file, empty if it was made from the target
	Target string // the clean image's file
	Params string // parameters of a degradation that was made, such as "σ=25"
	Epoch  int
	Index  int // in the epoch
}

// String names the files of the sample for messages.
func (i Info) String() string {
	files := i.Target
	if i.Input != "" {
		files = i.Input
	}
	return fmt.Sprintf("%s %s %s", i.Task, files, i.Params)
}

// Sample writes the sample at (epoch, index) to input and target, each
// [3,Patch,Patch] in 0..1: a random crop, flipped at random, degraded by the
// task's rule where the data hold no degraded image.
func (s *Set) Sample(input, target []float32, epoch, index int) (Info, error) {
	e := s.entries[s.order(epoch)[index]]
	src := &s.sources[e.source]
	p := src.pairs[e.pair]
	info := Info{Task: src.task.Kind, Input: p.input, Target: p.target, Epoch: epoch, Index: index}
	rng := newRand(s.opts.Seed, wordSample, uint64(epoch), uint64(index))

	clean, err := s.cache.get(p.target)
	if err != nil {
		return info, err
	}
	x, y := s.corner(clean, rng)
	cleanPatch := clean.Crop(x, y, s.opts.Patch, s.opts.Patch)
	degraded := NewImage(s.opts.Patch, s.opts.Patch)
	if p.input == "" {
		info.Params = fmt.Sprintf("σ=%g", e.sigma)
		degrade.Noise(degraded.Pix, cleanPatch.Pix, float64(e.sigma), rng)
	} else {
		whole, err := s.cache.get(p.input)
		if err != nil {
			return info, err
		}
		if whole.W != clean.W || whole.H != clean.H {
			return info, fmt.Errorf("%s is %d×%d, its clean image %s %d×%d; remove the pair or exclude it",
				p.input, whole.W, whole.H, p.target, clean.W, clean.H)
		}
		degraded = whole.Crop(x, y, s.opts.Patch, s.opts.Patch)
	}
	turn := s.turn(rng)
	degraded.planarTurned(input, turn)
	cleanPatch.planarTurned(target, turn)
	return info, nil
}

// corner draws the corner of a patch. Where the image is smaller than the
// patch, [Image.Crop] mirrors it beyond its far edge.
func (s *Set) corner(m *Image, rng *rand.Rand) (x, y int) {
	x = rng.IntN(max(m.W-s.opts.Patch, 0) + 1)
	y = rng.IntN(max(m.H-s.opts.Patch, 0) + 1)
	return x, y
}

// turn draws one of the square's symmetries: bit 0 mirrors left to right, bit 1
// top to bottom, bit 2 exchanges the axes.
func (s *Set) turn(rng *rand.Rand) int {
	t := rng.IntN(8)
	if !s.opts.Rotate {
		t &= 3
	}
	return t
}

// planarTurned writes a square image as [3,P,P] in 0..1, turned.
func (m *Image) planarTurned(dst []float32, turn int) {
	p := m.W
	for y := range p {
		for x := range p {
			sx, sy := x, y
			if turn&4 != 0 {
				sx, sy = sy, sx
			}
			if turn&1 != 0 {
				sx = p - 1 - sx
			}
			if turn&2 != 0 {
				sy = p - 1 - sy
			}
			for c := range 3 {
				dst[(c*p+y)*p+x] = float32(m.Pix[3*(sy*p+sx)+c]) / 255
			}
		}
	}
}
