package dataset

import (
	"fmt"
	"math/rand/v2"
	"strings"

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
	Task   string // the task's kind; for CDD11 with the composition
	Input  string // the degraded image's file, empty if it was made from the target
	Target string // the clean image's file
	Params string // parameters of a degradation that was made, such as "σ=25"
	Epoch  int
	Index  int // in the epoch
}

// String names the sample's file and parameters for messages.
func (i Info) String() string {
	file := i.Target
	if i.Input != "" {
		file = i.Input
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", i.Task, file, i.Params))
}

// Sample writes the sample at (epoch, index) to input and target, each
// [3,Patch,Patch] in 0..1: a random crop, degraded by the task's rule where the
// data hold no degraded image, then flipped at random.
func (s *Set) Sample(input, target []float32, epoch, index int) (Info, error) {
	e := s.entries[s.order(epoch)[index]]
	src := &s.sources[e.source]
	p := src.pairs[e.pair]
	info := Info{Task: src.label, Input: p.input, Target: p.target, Epoch: epoch, Index: index}
	rng := newRand(s.opts.Seed, wordSample, uint64(epoch), uint64(index))

	whole, err := s.cache.get(p.target)
	if err != nil {
		return info, err
	}
	at := s.window(whole, rng)
	clean := whole.Crop(at.x, at.y, at.w, at.h)
	var degraded *Image
	switch {
	case p.input != "":
		degraded, err = s.real(p, whole, at)
	case src.draw != nil:
		degraded, info.Params, err = s.made(src, p, whole, at, rng)
	default:
		degraded, info.Params = NewImage(at.w, at.h), fmt.Sprintf("σ=%g", e.sigma)
		degrade.Noise(degraded.Pix, clean.Pix, float64(e.sigma), rng)
	}
	if err != nil {
		return info, err
	}
	turn := s.turn(rng)
	degraded.planarTurned(input, turn)
	clean.planarTurned(target, turn)
	return info, nil
}

// real cuts the window out of the pair's degraded image.
func (s *Set) real(p pair, clean *Image, at window) (*Image, error) {
	m, err := s.cache.get(p.input)
	if err != nil {
		return nil, err
	}
	if m.W != clean.W || m.H != clean.H {
		return nil, fmt.Errorf("%s is %d×%d, its clean image %s %d×%d: remove the pair or exclude it",
			p.input, m.W, m.H, p.target, clean.W, clean.H)
	}
	return m.Crop(at.x, at.y, at.w, at.h), nil
}

// made degrades the window, with as much around it as the degradation needs.
// The result is rounded to 8 bits, as a file would hold it.
func (s *Set) made(src *source, p pair, clean *Image, at window, rng *rand.Rand) (*Image, string, error) {
	d, err := src.draw(s, p, at, rng)
	if err != nil {
		return nil, "", err
	}
	margin := d.Margin()
	return fromDegrade(d.Apply(clean.toDegrade(at.grown(margin)), rng).Inner(margin)), d.String(), nil
}

func (m *Image) toDegrade(at window) *degrade.Image {
	return &degrade.Image{
		W: at.w, H: at.h, Pix: m.Crop(at.x, at.y, at.w, at.h).Planar(),
		X: at.x, Y: at.y, FullW: m.W, FullH: m.H,
	}
}

func fromDegrade(d *degrade.Image) *Image {
	m := NewImage(d.W, d.H)
	for c := range 3 {
		for i, v := range d.Plane(c) {
			m.Pix[3*i+c] = uint8(v*255 + .5)
		}
	}
	return m
}

// window draws the place of a patch. Where the image is smaller than the patch,
// [Image.Crop] mirrors it beyond its far edge.
func (s *Set) window(m *Image, rng *rand.Rand) window {
	p := s.opts.Patch
	return window{rng.IntN(max(m.W-p, 0) + 1), rng.IntN(max(m.H-p, 0) + 1), p, p}
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
