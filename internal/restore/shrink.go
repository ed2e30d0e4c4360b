package restore

import (
	"errors"
	"fmt"
	"image"

	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/model"
)

// plane is a picture [3,h,w] in memory.
type plane struct {
	h, w int
	rgb  []float32
}

// Tile fetches the pixels of r.
func (p plane) Tile(dst []float32, r image.Rectangle) ([]float32, error) {
	dst = dst[:0]
	for c := range 3 {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			dst = append(dst, p.rgb[(c*p.h+y)*p.w+r.Min.X:][:r.Dx()]...)
		}
	}
	return dst, nil
}

// restore restores a tile whose corner is at a place of the picture. One that
// the device has no memory for is cut into smaller ones, and so is every larger
// one that follows in this run.
func (r *run) restore(p *picture, dst []float32, t plane, at image.Point, o infer.Options) ([]float32, []*model.Route, error) {
	if r.most == 0 || max(t.h, t.w) <= r.most {
		if p.affinity != nil {
			p.affinity.at(at.Y, at.X)
		}
		if o.Shared != nil {
			o.Window = model.Window{Y: at.Y, X: at.X, H: r.net.Padded(p.H), W: r.net.Padded(p.W)}
		}
		out, routes, err := r.net.Restore(p.ctx, dst, t.rgb, t.h, t.w, o)
		if err == nil || !errors.Is(err, kernels.ErrMemory) {
			return out, routes, err
		}
		if err := r.shrink(p, max(t.h, t.w), err); err != nil {
			return nil, nil, err
		}
	}
	out, err := r.inParts(p, dst, t, at, o)
	return out, nil, err
}

// shrink lowers the most pixels of a tile's side below those that did not fit, and
// notes it; where that is not possible it returns err.
func (r *run) shrink(p *picture, side int, err error) error {
	for _, s := range autoSides {
		if s < side {
			r.most = s
			p.Notes = append(p.Notes, fmt.Sprintf("out of %s with %d pixels a side: going on in tiles of %d", r.scarce(), side, s))
			return nil
		}
	}
	remedy := "close other programs"
	if r.DeviceMemory > 0 {
		remedy = "use --device cpu"
	}
	return fmt.Errorf("%w: not even tiles of %d pixels fit: %s, or choose a smaller model", err, MinTile, remedy)
}

// scarce is what a pass ran out of.
func (r *run) scarce() string {
	if r.DeviceMemory > 0 {
		return "device memory"
	}
	return "memory"
}

// inParts restores a tile as tiles of r.most pixels. What they share, and the tile
// was not given, is found out from a sample of it.
func (r *run) inParts(p *picture, dst []float32, t plane, at image.Point, o infer.Options) ([]float32, error) {
	cut := func() layout {
		return layout{x: newGrid(t.w, r.most, overlap(r.most)), y: newGrid(t.h, r.most, overlap(r.most))}
	}
	if o.Shared == nil {
		shared, err := r.findOut(p, func() (*plane, error) {
			l := cut()
			return takeSample(t, t.h, t.w, l.y.most(), l.x.most())
		}, o)
		if err != nil {
			return nil, err
		}
		defer shared.Free(r.net.Tape())
		o.Shared = shared
	}
	l := cut()
	b := newBlend(l, t.w)
	out := append(dst[:0], t.rgb...) // of the right size; all of it is written
	for j, ys := range l.y.spans {
		b.begin(j)
		for i, xs := range l.x.spans {
			part := image.Rect(xs.from, ys.from, xs.to, ys.to)
			rgb, err := t.Tile(nil, part)
			if err != nil {
				return nil, err
			}
			if b.tile, _, err = r.restore(p, b.tile, plane{ys.len(), xs.len(), rgb}, at.Add(part.Min), o); err != nil {
				return nil, err
			}
			clamp(b.tile) // as tiles are before they are blended
			b.add(b.tile, j, i)
		}
		for c := range 3 {
			copy(out[(c*t.h+ys.from)*t.w:(c*t.h+l.y.final(j))*t.w], b.rgb[c*ys.len()*t.w:])
		}
	}
	return out, nil
}

// findOut is what tiles share of a picture, made of a sample of it, which it asks
// for again where the device has no memory for one. The caller frees it.
func (r *run) findOut(p *picture, sample func() (*plane, error), o infer.Options) (*infer.Shared, error) {
	o.Probe = nil
	for {
		s, err := sample()
		if err != nil {
			return nil, err
		}
		o.Shared = &infer.Shared{}
		_, routes, err := r.net.Restore(p.ctx, nil, s.rgb, s.h, s.w, o)
		if err == nil {
			p.Routing = r.describe(routes)
			return o.Shared, nil
		}
		o.Shared.Free(r.net.Tape())
		if !errors.Is(err, kernels.ErrMemory) {
			return nil, err
		}
		if err := r.shrink(p, max(s.h, s.w), err); err != nil {
			return nil, err
		}
	}
}
