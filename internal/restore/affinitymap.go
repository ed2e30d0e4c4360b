package restore

import (
	"fmt"
	"image"
	"image/color"
	stddraw "image/draw"

	"gonum.org/v1/plot/vg"

	"clusir/internal/draw"
	"clusir/internal/palette"
)

// mapSide is the longest side of a panel of an affinity map.
const mapSide = 512

// thumbnail is a picture reduced by an integer factor, made row by row.
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

// add adds the next rows [3,n,W]. The last row and column of a thumbnail may cover
// fewer pixels and are then too dark; scale corrects that.
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

// sheet returns a figure of the restored picture and, for each stage in order, the
// picture in grey under the colours of its clusters. The strength of a cell's colour is
// how far the posterior is from uniform, relative to the strongest of its panel,
// because posteriors of cosines have a small range.
func (a *affinity) sheet(t *thumbnail, W, H int) *draw.Sheet {
	t.scale(W, H)
	const minWidth = 110 // of a panel in points: half a point per pixel, as sheets are drawn, and more for small pictures
	width, small := max(vg.Length(t.w)/2, minWidth), t.w < 64
	row := []draw.Panel{draw.Picture{Title: "Restored", Image: t.paint(t.pixel), Width: width, Pixels: small}}
	largest := 0
	for l := range a.stages {
		strongest := a.strongest(l)
		largest = max(largest, a.clusters(l))
		row = append(row, draw.Picture{
			Title: fmt.Sprintf("Stage %d", l+1), Width: width, Pixels: small,
			Note: fmt.Sprintf("posterior up to %.2f, even: %.2f", strongest+1/float32(a.clusters(l)), 1/float32(a.clusters(l))),
			Image: t.paint(func(y, x int) [3]float32 {
				p := t.pixel(y, x)
				grey := (p[0] + p[1] + p[2]) / 3
				at := image.Pt(x*t.factor, y*t.factor)
				if !at.In(a.inside) {
					return p
				}
				at = at.Sub(a.inside.Min)
				colour, strength := a.colour(l, at.Y/cell, at.X/cell)
				strength *= 0.8 / max(strongest, 1e-6)
				for c := range p {
					p[c] = grey + strength*(colour[c]*(0.3+0.7*grey)-grey)
				}
				return p
			}),
		})
	}
	s := &draw.Sheet{Title: "Which cluster each part of the picture belongs to", Rows: [][]draw.Panel{row}, Notes: []string{fmt.Sprintf(
		"The encoder's stages, from full to an eighth of the resolution. The colour is that of the likeliest cluster of %d×%d pixels; "+
			"the stronger, the more likely it is than if all were equally likely, up to the panel's maximum. "+
			"Each stage has clusters of its own: cluster 1 of one is not that of another.", cell, cell)}}
	for c := range largest {
		colour := palette.Cluster(c)
		const square = 2
		s.Legend = append(s.Legend, draw.Entry{Name: fmt.Sprintf("cluster %d (%s)", c+1, colour.Name), Colour: colour.RGB, Mark: square})
	}
	return s
}

// paint returns the thumbnail in other colours. A picture that is much higher than wide
// gets white sides, so that panels have room for their texts.
func (t *thumbnail) paint(colour func(y, x int) [3]float32) image.Image {
	left := max(t.h/2-t.w, 0) / 2
	m := image.NewRGBA(image.Rect(0, 0, t.w+2*left, t.h))
	stddraw.Draw(m, m.Bounds(), image.White, image.Point{}, stddraw.Src)
	level := func(v float32) uint8 { return uint8(min(max(v, 0), 1)*255 + 0.5) }
	for y := range t.h {
		for x := range t.w {
			p := colour(y, x)
			m.SetRGBA(left+x, y, color.RGBA{level(p[0]), level(p[1]), level(p[2]), 255})
		}
	}
	return m
}

func (a *affinity) clusters(l int) int { return len(a.stages[l]) / (a.h * a.w) }

func (t *thumbnail) pixel(y, x int) (p [3]float32) {
	for c := range p {
		p[c] = t.sum[(c*t.h+y)*t.w+x]
	}
	return p
}

// colour returns the colour of a cell's likeliest cluster, and how far its posterior is
// above uniform.
func (a *affinity) colour(l, y, x int) (rgb [3]float32, strength float32) {
	N := a.clusters(l)
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

func (a *affinity) strongest(l int) (largest float32) {
	for y := range a.h {
		for x := range a.w {
			_, s := a.colour(l, y, x)
			largest = max(largest, s)
		}
	}
	return largest
}
