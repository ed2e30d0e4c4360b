package restore

import (
	"fmt"
	"image"
	"time"

	"clusir/internal/imageio"
	"clusir/internal/infer"
	"clusir/internal/model"
	"clusir/internal/planar"
)

func (r *run) computeAll(opened <-chan *picture, computed chan<- *picture) {
	for p := range opened {
		select {
		case computed <- p:
			r.compute(p)
		case <-r.ctx.Done():
		}
	}
}

// compute restores a picture tile by tile.
func (r *run) compute(p *picture) {
	defer close(p.strips)
	_ = p.attempt(func() error { return r.computeBands(p) })
	for range p.bands { // the reader closes it in any case
	}
}

func (r *run) computeBands(p *picture) error {
	if p.img == nil {
		return nil
	}
	r.limitHeap(p.pass)
	r.measure(p)
	var o infer.Options
	if p.affinity != nil {
		o.Probe = func(name string, v *model.Var) { p.affinity.observe(r.net, name, v) }
	}
	if p.sample.Pix != nil {
		shared, err := r.computeShared(p, o)
		if err != nil {
			return err
		}
		defer shared.Free(r.net.Tape())
		o.Shared = shared
	}
	blend := newBlend(p.layout, p.Inside.Dx())
	for b := range p.bands {
		if err := r.computeBand(p, b, blend, o); err != nil {
			return fmt.Errorf("%s: %w", p.name(), err)
		}
		if b.index == len(p.y.spans)-1 {
			p.gauge.end()
		}
		p.spare <- b
	}
	return nil
}

// computeShared computes, from the sample of the picture, what all of its tiles share.
func (r *run) computeShared(p *picture, o infer.Options) (*infer.Shared, error) {
	start := time.Now()
	shared, err := r.computeGlobals(p, func() planar.Image {
		if r.maxTileSide > 0 {
			return sampleOf(p.sample, r.maxTileSide, r.maxTileSide)
		}
		return p.sample
	}, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name(), err)
	}
	p.sample = planar.Image{}
	p.Compute += time.Since(start)
	return shared, nil
}

// computeBand restores a row of tiles and passes on the rows that no later tile
// affects.
func (r *run) computeBand(p *picture, b *band, blend *blend, o infer.Options) error {
	blend.begin(b.index)
	h := p.y.spans[b.index].len()
	for i, x := range p.x.spans {
		start := time.Now()
		t := cut(b, h, p.Inside.Dx(), x)
		at := image.Pt(x.from, p.y.spans[b.index].from)
		out, routes, err := r.restoreOrFetch(p, blend.tile, planar.Image{C: 3, H: h, W: x.len(), Pix: t.rgb}, at, o)
		if err != nil {
			return err
		}
		blend.tile = out.Pix
		if routes != nil && o.Shared == nil {
			p.Routing = r.describe(routes)
		}
		out.Clamp()
		if p.neutral {
			imageio.Desaturate(out.Pix)
		}
		t.finish(out.Pix, p.choices.Strength)
		blend.add(out.Pix, b.index, i)
		p.Compute += time.Since(start)
	}
	return p.send(b, blend)
}

// restoreOrFetch returns the network's result of a tile, or an earlier one.
func (r *run) restoreOrFetch(p *picture, dst []float32, t planar.Image, at image.Point, o infer.Options) (planar.Image, []*model.Route, error) {
	if p.after == nil {
		return r.restore(p, dst, t, at, o)
	}
	var err error
	t.Pix, err = p.after.Tile(dst, image.Rect(0, 0, t.W, t.H).Add(at).Add(p.Inside.Min))
	return t, nil, err
}

// cut returns the columns of x of a band of h rows of W pixels.
func cut(b *band, h, W int, x span) *band {
	if x.len() == W {
		return b
	}
	columns := func(src []float32, planes int) []float32 {
		if src == nil {
			return nil
		}
		return planar.Image{C: planes, H: h, W: W, Pix: src}.Cut(nil, image.Rect(x.from, 0, x.to, h)).Pix
	}
	return &band{b.index, columns(b.rgb, 3), columns(b.alpha, 1), columns(b.stored, 3)}
}

// finish mixes a restored tile with the input and restores the colours of fully
// transparent pixels.
func (b *band) finish(restored []float32, strength float32) {
	if strength != 1 {
		for i, v := range b.rgb {
			restored[i] = v + strength*(restored[i]-v)
		}
	}
	for i, a := range b.alpha {
		if a == 0 {
			for c := range 3 {
				restored[c*len(b.alpha)+i] = b.stored[c*len(b.alpha)+i]
			}
		}
	}
}
