package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"

	"clusir/internal/dataset/degrade"
	"clusir/internal/suggest"
	"clusir/internal/usage"
	"clusir/internal/userfile"
)

// degraded returns target with a degradation of the given kind, and a description of
// it. The picture is mirrored beyond its edges for blur that reaches across them.
func (m *Image) degraded(kind string, rng *rand.Rand) (*Image, string) {
	const margin = blurMargin
	wide := m.Crop(m.bounds().Inset(-margin))
	in := &degrade.Image{Image: wide.Planar(), X: -margin, Y: -margin, FullW: m.W, FullH: m.H}
	d := kindOf(kind).random(rng)
	return fromPlanar(d.Apply(in, rng).Inner(margin).Image), d.String()
}

// FolderBenchmark returns a benchmark of the clean photographs in a folder, degraded by
// a kind: noise, which takes levels, or another one that can be made. A kind is given
// by its name or its word, such as derain or rain. The benchmark has the folder's name, and
// the kind's too if a standard benchmark or group has that name.
func FolderBenchmark(folder, kind string, sigmas []float64) (*Benchmark, error) {
	if err := userfile.Folder(folder, "photographs"); err != nil {
		return nil, err
	}
	name := ""
	for _, k := range append(madeKinds(), Denoise) {
		if strings.EqualFold(kind, k) || strings.EqualFold(strings.ReplaceAll(kind, " ", "-"), hyphened(k)) {
			name = k
		}
	}
	dir, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	b := &Benchmark{Title: filepath.Base(dir), Task: name, Clean: folders{dir}, Own: true}
	switch {
	case name == "":
		return nil, usage.Errorf("there is no kind %q: %s", kind, suggest.Or(kind, MakeableKinds()))
	case name == Denoise && len(sigmas) == 0:
		return nil, usage.Errorf("noise needs its levels: give them in units of 1/255, such as 15,25,50")
	case name == Denoise:
		b.Sigmas = sigmas
	case len(sigmas) > 0:
		return nil, usage.Errorf("%s has no levels, as noise has: leave them out", kind)
	default:
		b.Made = name
	}
	allowed := func(r rune) rune {
		if r == '\\' || notInNames(r) {
			return '-'
		}
		return r
	}
	b.Name = strings.ToLower(strings.Map(allowed, b.Title))
	if slices.Contains(Standard().Names(), b.Name) { // neither may hide the other
		b.Name += "-" + hyphened(name)
	}
	if mistakes := b.check(); len(mistakes) > 0 {
		return nil, usage.Of(mistakes)
	}
	return b, nil
}

// MakeableKinds returns the words of the kinds that FolderBenchmark accepts.
func MakeableKinds() []string {
	words := []string{hyphened(Denoise)}
	for _, k := range madeKinds() {
		words = append(words, hyphened(k))
	}
	return words
}

// hyphened returns a kind's word as an option, such as low-light.
func hyphened(kind string) string { return strings.ReplaceAll(Word(kind), " ", "-") }

// Degraded is a degraded image and its clean one, as returned by [Item.Load].
type Degraded struct {
	Input, Target *Image
	// Rule says how the input was made, "" if it was read.
	Rule string
}

// make degrades a clean image, already cropped, by the item's rule.
func (i Item) make(target *Image, seed uint64) Degraded {
	if i.made != "" {
		input, rule := target.degraded(i.made, newRand(seed, wordBenchmark, hashString(i.Name), hashString(i.made)))
		return Degraded{input, target, rule}
	}
	input := NewImage(target.W, target.H)
	degrade.Noise(input.Pix, target.Pix, i.sigma, newRand(seed, wordBenchmark, hashString(i.Name), math.Float64bits(i.sigma)))
	return Degraded{input, target, fmt.Sprintf("clip(clean + %g·n, 0, 255), truncated to 8 bits; n normal, drawn by seed, name and level", i.sigma)}
}
