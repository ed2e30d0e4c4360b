package dataset

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"strings"

	"clusir/internal/dataset/degrade"
	"clusir/internal/planar"
)

// Words that separate the generators of different purposes.
const (
	wordOrder = iota + 1
	wordSample
	wordBenchmark
	wordVary
)

// Info describes where a sample came from.
type Info struct {
	Task   string // the task's kind; for CDD11 with the composition
	Input  string // the degraded image's file, empty if it was made from the target
	Target string // the clean image's file
	Params string // parameters of a synthetic degradation, such as "σ=25"
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

// Sample writes the sample at (epoch, index) to input and target, each [3,Patch,Patch]
// in 0..1: a random crop, degraded by the task's rule if the data hold no degraded
// image, then flipped at random.
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
	vary := s.opts.Vary.draw(newRand(s.opts.Seed, wordVary, uint64(epoch), uint64(index)))
	var degraded, clean *Image
	switch {
	case p.input != "":
		degraded, clean, err = s.real(p, whole, rng)
		vary.graphics, vary.before = false, 0 // there is no photograph to vary
	case src.draw != nil:
		degraded, clean, info.Params, err = s.made(src, p, whole, vary, rng)
	default:
		clean = vary.photograph(whole.Crop(whole.window(s.opts.Patch, rng)))
		sigma := src.noise(float64(e.sigma), rng)
		degraded, info.Params = NewImage(clean.W, clean.H), fmt.Sprintf("σ=%.3g", sigma)
		degrade.Noise(degraded.Pix, clean.Pix, sigma, rng)
	}
	if err != nil {
		return info, err
	}
	degraded, clean = vary.finish(degraded, clean)
	info.Params += vary.String()
	turn := planar.Turn(rng.IntN(planar.Turns))
	if !s.opts.Rotate {
		turn &^= planar.Transpose
	}
	degraded.planarTurned(input, turn)
	clean.planarTurned(target, turn)
	return info, nil
}

// real crops a patch from both images of a pair.
func (s *Set) real(p pair, clean *Image, rng *rand.Rand) (degradedPatch, cleanPatch *Image, err error) {
	m, err := s.cache.get(p.input)
	if err != nil {
		return nil, nil, err
	}
	if err := m.pairs(p.input, clean, p.target); err != nil {
		return nil, nil, err
	}
	at := m.window(s.opts.Patch, rng)
	return m.Crop(at), clean.Crop(at), nil
}

// made degrades a patch of a photograph, including the margin that the degradation
// needs. The results are rounded to 8 bits, as in a file.
func (s *Set) made(src *source, p pair, photo *Image, vary variation, rng *rand.Rand) (degradedPatch, cleanPatch *Image, params string, err error) {
	side, zoom := s.opts.Patch+2*src.margin, 1.
	if src.zoom > 1 {
		zoom += (src.zoom - 1) * rng.Float64()
	}
	at := photo.window(int(math.Round(float64(side)/zoom)), rng)
	d, err := src.draw(s, p, photo, at, rng)
	if err != nil {
		return nil, nil, "", err
	}
	clean := photo.Crop(at)
	if clean.W != side {
		clean = clean.enlarged(side)
	}
	clean = vary.photograph(clean)
	in := &degrade.Image{
		Image: clean.Planar(), X: int(float64(at.Min.X) * zoom), Y: int(float64(at.Min.Y) * zoom),
		FullW: int(float64(photo.W) * zoom), FullH: int(float64(photo.H) * zoom),
	}
	out := d.Apply(in, rng).Inner(src.margin)
	return fromPlanar(out.Image), clean.Crop(clean.bounds().Inset(src.margin)), d.String(), nil
}

// window draws the position of a square. If the image is smaller than that,
// [Image.Crop] mirrors it beyond its far edge.
func (m *Image) window(side int, rng *rand.Rand) image.Rectangle {
	corner := image.Pt(rng.IntN(max(m.W-side, 0)+1), rng.IntN(max(m.H-side, 0)+1))
	return image.Rect(0, 0, side, side).Add(corner)
}

// planarTurned writes a square image as [3,P,P] in 0..1, turned.
func (m *Image) planarTurned(dst []float32, turn planar.Turn) {
	n := m.W * m.H
	for to, from := range turn.Pixels(m.W, m.H) {
		for c := range 3 {
			dst[c*n+to] = float32(m.Pix[3*from+c]) / 255
		}
	}
}
