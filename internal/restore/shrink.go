package restore

import (
	"errors"
	"fmt"
	"image"

	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/planar"
)

// restore restores a tile whose corner is at a position of the picture. If the device
// has no memory for it, it is cut into smaller tiles, and so are all larger tiles that
// follow in this run.
func (r *run) restore(p *picture, dst []float32, t planar.Image, at image.Point, o infer.Options) (planar.Image, []*model.Route, error) {
	if r.maxTileSide == 0 || max(t.H, t.W) <= r.maxTileSide {
		if p.affinity != nil {
			p.affinity.row, p.affinity.col = at.Y/cell, at.X/cell
		}
		if o.Shared != nil {
			o.Window = model.Window{Y: at.Y, X: at.X, H: r.net.Padded(p.Inside.Dy()), W: r.net.Padded(p.Inside.Dx())}
		}
		out, routes, err := r.pass(p, dst, t, o)
		if err == nil || !errors.Is(err, kernels.ErrMemory) {
			return out, routes, err
		}
		if err := r.shrink(p, max(t.H, t.W), err); err != nil {
			return planar.Image{}, nil, err
		}
	}
	out, err := r.inParts(p, dst, t, at, o)
	return out, nil, err
}

// shrink lowers the largest side of a tile below the one that did not fit, and adds a
// note; if that is not possible, it returns err.
func (r *run) shrink(p *picture, side int, err error) error {
	scarce, remedy := "memory", "close other programs"
	if r.DeviceMemory > 0 {
		scarce, remedy = "device memory", "use --device cpu"
	}
	for _, s := range autoSides {
		if s < side {
			r.maxTileSide = s
			p.Notes = append(p.Notes, fmt.Sprintf("out of %s with %d pixels a side: going on in tiles of %d", scarce, side, s))
			return nil
		}
	}
	return fmt.Errorf("%w: not even tiles of %d pixels fit: %s, or choose a smaller model", err, minTile, remedy)
}

// inParts restores a tile as tiles of at most r.maxTileSide pixels. What they share is
// computed from a sample of the tile, unless it was given.
func (r *run) inParts(p *picture, dst []float32, t planar.Image, at image.Point, o infer.Options) (out planar.Image, err error) {
	cut := func() layout {
		return layout{x: newGrid(t.W, r.maxTileSide, overlap(r.maxTileSide)), y: newGrid(t.H, r.maxTileSide, overlap(r.maxTileSide))}
	}
	if o.Shared == nil {
		shared, err := r.computeGlobals(p, func() planar.Image {
			l := cut()
			return sampleOf(t, l.y.longest(), l.x.longest())
		}, o)
		if err != nil {
			return out, err
		}
		defer shared.Free(r.net.Tape())
		o.Shared = shared
	}
	l := cut()
	b := newBlend(l, t.W)
	out = t.Cut(dst, image.Rect(0, 0, t.W, t.H)) // of the right size; all of it is written
	for j, ys := range l.y.spans {
		b.begin(j)
		for i, xs := range l.x.spans {
			part := image.Rect(xs.from, ys.from, xs.to, ys.to)
			tile, _, err := r.restore(p, b.tile, t.Cut(nil, part), at.Add(part.Min), o)
			if err != nil {
				return out, err
			}
			tile.Clamp() // as tiles are before they are blended
			b.add(tile.Pix, j, i)
			b.tile = tile.Pix
		}
		for c := range 3 {
			copy(out.Plane(c)[ys.from*t.W:l.y.final(j)*t.W], b.rgb[c*ys.len()*t.W:])
		}
	}
	return out, nil
}

// computeGlobals computes, from a sample of a picture, what its tiles share. It asks
// for a smaller sample if the device has no memory for the first. The caller frees the
// result.
func (r *run) computeGlobals(p *picture, sample func() planar.Image, o infer.Options) (*infer.Shared, error) {
	o.Probe = nil
	for {
		s := sample()
		o.Shared = &infer.Shared{}
		_, routes, err := r.pass(p, nil, s, o)
		if err == nil {
			p.Routing = r.describe(routes)
			return o.Shared, nil
		}
		o.Shared.Free(r.net.Tape())
		if !errors.Is(err, kernels.ErrMemory) {
			return nil, err
		}
		if err := r.shrink(p, max(s.H, s.W), err); err != nil {
			return nil, err
		}
	}
}
