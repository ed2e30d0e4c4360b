package dataset

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
)

// Vary is the share of the samples, in 0..1, that get a property of real-world pictures
// that data sets lack. A sample may get several. The zero value leaves all samples
// unchanged.
type Vary struct {
	// Mild reduces the degradation by a random amount, by blending input and target, so
	// that a network also sees slight haze, rain or darkness.
	Mild float64 `yaml:"mild"`
	// JPEG compresses, with a quality of 30 to 95, the degraded image, or the
	// photograph before it is degraded, or both.
	JPEG float64 `yaml:"jpeg"`
	// Grey removes the colour of input and target.
	Grey float64 `yaml:"grey"`
	// Bars covers the edges of input and target, like letterboxes and frames.
	Bars float64 `yaml:"bars"`
	// Graphics replaces a photograph by drawn shapes, text and flat ground before it is
	// degraded.
	Graphics float64 `yaml:"graphics"`
}

// Faults returns the values that are not shares.
func (v Vary) Faults() []Fault {
	var faults []Fault
	for _, s := range []struct {
		field string
		share float64
	}{{"mild", v.Mild}, {"jpeg", v.JPEG}, {"grey", v.Grey}, {"bars", v.Bars}, {"graphics", v.Graphics}} {
		if !(s.share >= 0 && s.share <= 1) {
			faults = append(faults, Fault{s.field, s.share, "a share of the samples, in 0..1"})
		}
	}
	return faults
}

// The range of JPEG qualities.
const (
	minQuality  = 30
	bestQuality = 95
)

// variation is what was drawn for one sample.
type variation struct {
	rng           *rand.Rand
	strength      float64 // of the degradation, 1 for all of it
	before, after int     // JPEG qualities, 0 for none
	grey          bool
	bars          bool
	graphics      bool
}

// draw draws a sample's variation from its own generator, so that varying samples does
// not change what the tasks draw.
func (v Vary) draw(rng *rand.Rand) variation {
	hit := func(share float64) bool { return rng.Float64() < share }
	out := variation{rng: rng, strength: 1}
	if hit(v.Mild) {
		out.strength = rng.Float64()
	}
	if hit(v.JPEG) {
		which := rng.IntN(3)
		quality := func() int { return minQuality + rng.IntN(bestQuality-minQuality+1) }
		if which != 0 {
			out.after = quality()
		}
		if which != 1 {
			out.before = quality()
		}
	}
	out.grey, out.bars, out.graphics = hit(v.Grey), hit(v.Bars), hit(v.Graphics)
	return out
}

// photograph returns the photograph to degrade, given patch m.
func (v variation) photograph(m *Image) *Image {
	if v.graphics {
		m = drawGraphics(m.W, m.H, v.rng)
	}
	if v.before > 0 {
		m = m.compressed(v.before)
	}
	return m
}

// finish varies a pair of patches. If the degraded one is compressed, the clean one is
// not.
func (v variation) finish(degraded, clean *Image) (*Image, *Image) {
	if v.strength < 1 {
		degraded = blend(clean, degraded, v.strength)
	}
	if v.grey {
		degraded, clean = degraded.grey(), clean.grey()
	}
	if v.bars {
		b := randomBars(clean.W, v.rng)
		degraded, clean = b.cover(degraded), b.cover(clean)
	}
	if v.after > 0 {
		degraded = degraded.compressed(v.after)
		if v.grey {
			degraded = degraded.grey()
		}
	}
	return degraded, clean
}

// variations explain the words of a variation's description.
var variations = []symbol{
	{"graphics", "graphics are drawn shapes and text in place of a photograph"},
	{"JPEG ", "JPEG is the quality with which the degraded picture was compressed, “of JPEG” that of the photograph before it was degraded"},
	{"at ", "“at 40 %” is a degradation of that strength, mixed with its target"},
	{"grey", "grey pictures lost their colour"},
	{"bars", "bars cover the edges of both pictures, as in films"},
}

func (v variation) String() string {
	var b bytes.Buffer
	if v.graphics {
		b.WriteString(" graphics")
	}
	if v.before > 0 {
		fmt.Fprintf(&b, " of JPEG %d", v.before)
	}
	if v.strength < 1 {
		fmt.Fprintf(&b, " at %.0f %%", 100*v.strength)
	}
	if v.grey {
		b.WriteString(" grey")
	}
	if v.bars {
		b.WriteString(" bars")
	}
	if v.after > 0 {
		fmt.Fprintf(&b, " JPEG %d", v.after)
	}
	return b.String()
}

// blend returns a + t·(b − a), rounded.
func blend(a, b *Image, t float64) *Image {
	out := NewImage(a.W, a.H)
	for i, v := range a.Pix {
		out.Pix[i] = uint8(float64(v) + t*(float64(b.Pix[i])-float64(v)) + .5)
	}
	return out
}

// grey returns the image without colour: its luma by ITU-R BT.601's weights.
func (m *Image) grey() *Image {
	out := NewImage(m.W, m.H)
	for i := 0; i < len(m.Pix); i += 3 {
		y := uint8((299*int(m.Pix[i]) + 587*int(m.Pix[i+1]) + 114*int(m.Pix[i+2]) + 500) / 1000)
		out.Pix[i], out.Pix[i+1], out.Pix[i+2] = y, y, y
	}
	return out
}

// compressed returns the image after JPEG compression with the given quality.
func (m *Image) compressed(quality int) *Image {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, m.RGBA(), &jpeg.Options{Quality: quality}); err != nil {
		panic(err) // a buffer takes all writes, and patches are far from JPEG's largest size
	}
	decoded, err := jpeg.Decode(&file)
	if err != nil {
		panic(err)
	}
	out := image.NewRGBA(decoded.Bounds())
	draw.Draw(out, out.Rect, decoded, image.Point{}, draw.Src)
	return fromRGBA(out)
}

// bars cover an image's edges.
type bars struct {
	left, top, right, bottom int
	colour                   [3]uint8
}

// widestBar is the share of a side that one bar may cover.
const widestBar = .4

// randomBars draws letterboxes, pillarboxes and frames, black three times in four.
func randomBars(side int, rng *rand.Rand) bars {
	width := func() int { return 1 + rng.IntN(int(widestBar*float64(side))) }
	var b bars
	which := rng.IntN(4) // both bars of an axis, all four, or a single one
	if which == 0 || which == 2 {
		b.top, b.bottom = width(), width()
	}
	if which == 1 || which == 2 {
		b.left, b.right = width(), width()
	}
	if which == 3 {
		*[]*int{&b.left, &b.top, &b.right, &b.bottom}[rng.IntN(4)] = width()
	}
	if rng.IntN(4) == 0 {
		grey := uint8(rng.IntN(256))
		b.colour = [3]uint8{grey, grey, grey}
	}
	return b
}

func (b bars) cover(m *Image) *Image {
	out := NewImage(m.W, m.H)
	copy(out.Pix, m.Pix)
	for y := range m.H {
		for x := range m.W {
			if x < b.left || y < b.top || x >= m.W-b.right || y >= m.H-b.bottom {
				copy(out.Pix[3*(y*m.W+x):], b.colour[:])
			}
		}
	}
	return out
}
