package restore

import (
	"clusir/internal/imageio"
	"clusir/internal/palette"
)

// ColourOf names the colour of a cluster in affinity maps.
func ColourOf(cluster int) string { return palette.Cluster(cluster).Name }

// mapSide is the longest side of a panel of an affinity map.
const mapSide = 512

// thumbnail is a picture reduced by a whole number, made row by row.
type thumbnail struct {
	w, h, factor int
	sum          []float32 // [3,h,w], of factor² pixels each
	next         int       // row of the picture
}

func newThumbnail(W, H int) *thumbnail {
	f := ceilDiv(max(W, H), mapSide)
	t := &thumbnail{w: ceilDiv(W, f), h: ceilDiv(H, f), factor: f}
	t.sum = make([]float32, 3*t.h*t.w)
	return t
}

// add takes the next rows [3,n,W]. The last row and column of a thumbnail may
// stand for fewer pixels, and are then darker than they should be; scale makes
// up for it.
func (t *thumbnail) add(rgb []float32, n, W int) {
	for c := range 3 {
		for y := range n {
			sum := t.sum[(c*t.h+(t.next+y)/t.factor)*t.w:]
			for x, v := range rgb[(c*n+y)*W:][:W] {
				sum[x/t.factor] += v
			}
		}
	}
	t.next += n
}

// scale divides each sum by the number of its pixels.
func (t *thumbnail) scale(W, H int) {
	part := func(i, n int) int { return min((i+1)*t.factor, n) - i*t.factor }
	for i := range t.sum {
		t.sum[i] /= float32(part(i%t.w, W) * part(i/t.w%t.h, H))
	}
}

// draw writes a row of panels: the restored picture, and for each stage, first
// to last, the picture in grey under the colours of its clusters. A cell's colour
// is strong where the posterior is far from even, relative to the strongest of
// its panel: posteriors of cosines do not reach far.
func (a *affinity) draw(path string, t *thumbnail, W, H int) error {
	t.scale(W, H)
	const gap = 8
	w := t.w + len(a.stages)*(t.w+gap)
	canvas := make([]float32, 3*t.h*w)
	for i := range canvas {
		canvas[i] = 1
	}
	paint := func(x int, colour func(y, x int) [3]float32) {
		for y := range t.h {
			for k := range t.w {
				for c, v := range colour(y, k) {
					canvas[(c*t.h+y)*w+x+k] = v
				}
			}
		}
	}
	paint(0, t.pixel)
	for l := range a.stages {
		strongest := a.strongest(l)
		paint((l+1)*(t.w+gap), func(y, x int) [3]float32 {
			p := t.pixel(y, x)
			grey := (p[0] + p[1] + p[2]) / 3
			colour, strength := a.colour(l, y*t.factor/cell, x*t.factor/cell)
			strength *= 0.8 / max(strongest, 1e-6)
			for c := range p {
				p[c] = grey + strength*(colour[c]*(0.3+0.7*grey)-grey)
			}
			return p
		})
	}
	info := imageio.Info{Format: imageio.PNG, W: w, H: t.h, Depth: 8}
	return imageio.WriteFile(path, info, imageio.Options{}, func(out *imageio.Writer) error { return out.Rows(canvas, nil) })
}

func (t *thumbnail) pixel(y, x int) (p [3]float32) {
	for c := range p {
		p[c] = t.sum[(c*t.h+y)*t.w+x]
	}
	return p
}

// colour is that of the likeliest cluster of a cell, and how far its posterior
// is above an even one.
func (a *affinity) colour(l, y, x int) (rgb [3]float32, strength float32) {
	N := len(a.stages[l]) / (a.h * a.w)
	p := a.stages[l][(y*a.w+x)*N:][:N]
	best := 0
	for c := range p {
		if p[c] > p[best] {
			best = c
		}
	}
	colour := palette.Cluster(best)
	rgb = [3]float32{float32(colour.RGB.R) / 255, float32(colour.RGB.G) / 255, float32(colour.RGB.B) / 255}
	return rgb, p[best] - 1/float32(N)
}

func (a *affinity) strongest(l int) (most float32) {
	for y := range a.h {
		for x := range a.w {
			_, s := a.colour(l, y, x)
			most = max(most, s)
		}
	}
	return most
}
