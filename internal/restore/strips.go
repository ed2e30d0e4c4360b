package restore

import (
	"context"
	"image"

	"clusir/internal/planar"
)

// strip is a stretch of rows of the result.
type strip struct {
	n      int       // rows
	rgb    []float32 // [3,n,W]
	alpha  []float32 // [n,W] or nil
	before []float32 // [3,n,W], the input's; nil unless there is a comparison
}

// stripRows is the height of a strip, except the last of a band.
const stripRows = 64

// send cuts the finished rows into strips for the writer, and adds the bars.
func (p *picture) send(b *band, blend *blend) error {
	s, w := p.y.spans[b.index], p.Inside.Dx()
	if b.index == 0 {
		if err := p.sendBar(p.Inside.Min.Y); err != nil {
			return err
		}
	}
	end := p.y.final(b.index) - s.from
	for y := 0; y < end; y += stripRows {
		n := min(stripRows, end-y)
		out := p.strip(n)
		out.rgb = p.between(rows(out.rgb, blend.rgb, 3, s.len(), w, y, n), n)
		if b.alpha != nil {
			out.alpha = rows(out.alpha, b.alpha, 1, s.len(), w, y, n)
		}
		if p.Compare != "" {
			before := b.rgb
			if b.stored != nil {
				before = b.stored
			}
			out.before = p.between(rows(out.before, before, 3, s.len(), w, y, n), n)
		}
		if err := p.emit(out); err != nil {
			return err
		}
	}
	if b.index < len(p.y.spans)-1 {
		return nil
	}
	return p.sendBar(p.H - p.Inside.Max.Y)
}

// sendBar sends n rows of a bar to the writer.
func (p *picture) sendBar(n int) error {
	for ; n > 0; n -= stripRows {
		out := p.strip(min(stripRows, n))
		out.rgb, out.before = p.plain(out.n).Pix, nil
		if p.Compare != "" {
			out.before = p.plain(out.n).Pix
		}
		if err := p.emit(out); err != nil {
			return err
		}
	}
	return nil
}

// between returns rows [3,n,W] of the picture: those [3,n,w] of what is inside, between
// the bars beside it.
func (p *picture) between(inside []float32, n int) []float32 {
	if p.Inside.Dx() == p.W {
		return inside
	}
	all := p.plain(n)
	all.Put(planar.Image{C: 3, H: n, W: p.Inside.Dx(), Pix: inside}, 0, p.Inside.Min.X)
	return all.Pix
}

// plain returns n rows in the colour of the bars.
func (p *picture) plain(n int) planar.Image {
	m := planar.New(3, n, p.W)
	for c, v := range p.bar {
		plane := m.Plane(c)
		for i := range plane {
			plane[i] = v
		}
	}
	return m
}

// strip returns a strip of n rows to fill.
func (p *picture) strip(n int) *strip {
	var s *strip
	select {
	case s = <-p.used:
	default:
		s = &strip{}
	}
	s.n = n
	return s
}

// emit passes a strip on to the writer.
func (p *picture) emit(s *strip) error {
	select {
	case p.strips <- s:
		return nil
	case <-p.ctx.Done():
		return context.Cause(p.ctx)
	}
}

// rows copies n rows from y of planes [k,h,w].
func rows(dst, src []float32, k, h, w, y, n int) []float32 {
	return planar.Image{C: k, H: h, W: w, Pix: src}.Cut(dst, image.Rect(0, y, w, y+n)).Pix
}
