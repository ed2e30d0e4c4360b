package restore

import (
	"errors"
	"fmt"

	"clusir/internal/arch"
	"clusir/internal/imageio"
	"clusir/internal/infer"
)

// Tile sides for Options.Tile other than a number of pixels.
const (
	TileWhole = 0
	TileAuto  = -1 // the largest that fits into the memory
)

// MinTile is the least side of a tile: networks are trained on patches of 128
// pixels, and what they measure on less means little.
const MinTile = 128

// overlap is how far neighbouring tiles of a side overlap.
func overlap(side int) int { return min(side/4/arch.Align*arch.Align, 64) }

// autoSides are the tiles that TileAuto chooses from.
var autoSides = []int{2048, 1536, 1024, 768, 512, 384, 256, 192, MinTile}

// layout is how a picture is cut into tiles, and the memory that takes.
type layout struct {
	x, y    grid
	side    int   // 0 is the whole
	sampled int   // side of the sample for the tiles
	window  int64 // imageio.Limits.MaxBytes; 0 decodes the picture as a whole
	host    int64 // bytes of the host, but for the network's
	network int64 // bytes of the host for the weights and one pass, of a tile or the sample
	pass    int64 // of these, for the pass
	device  int64 // bytes on a device of its own memory, instead
}

func (l layout) need() int64 { return l.host + l.network }

func (l layout) tiles() int { return len(l.x.spans) * len(l.y.spans) }

// subject is what the memory that a picture takes depends on.
type subject struct {
	imageio.Probe
	out     imageio.Format
	data    int64 // bytes of the encoded picture in memory
	compare bool
}

// planner chooses layouts for one network.
type planner struct {
	config   arch.Config
	padded   func(side int) int
	ensemble bool
	limit    int64               // bytes of the host; 0 is none
	device   int64               // bytes of the device; 0 is the host's memory
	costs    map[[2]int][2]int64 // weights and pass by the sides of a tile
}

// choose cuts a picture. A side that is asked for is obeyed or refused.
func (p *planner) choose(s subject, side int) (layout, error) {
	if side != TileAuto {
		l, err := p.layout(s, side/arch.Align*arch.Align)
		if err != nil {
			return layout{}, err
		}
		if p.limit > 0 && l.need() > p.limit {
			return layout{}, p.tooLarge(s, l, "use --tile auto, or raise --max-memory")
		}
		return l, nil
	}
	var l layout
	for _, side := range append([]int{TileWhole}, autoSides...) {
		var err error
		l, err = p.layout(s, side)
		if err != nil {
			return layout{}, err
		}
		// What the device has room for is an estimate: the run itself shrinks tiles.
		if (p.limit == 0 || l.need() <= p.limit) && (l.device <= p.device || side == MinTile) {
			return l, nil
		}
	}
	remedy := "raise --max-memory"
	if !s.Streams && s.Bytes > p.limit/2 {
		remedy += ", or convert it to a PNG without interlacing, which is read in strips"
	}
	return layout{}, p.tooLarge(s, l, remedy)
}

// maxSample is the largest side of a sample: 1 megapixel, in 256 pieces, stands
// for a picture of any size.
const maxSample = 1024

// sample chooses the side of the sample of a picture of W×H for the tiles of l:
// the larger, the more like the picture; but no more than a quarter of it, nor than
// fits, and that of a tile where little would be won.
func (p *planner) sample(W, H int, l layout) (layout, error) {
	l.sampled = min(max(l.x.most(), l.y.most()), maxSample)
	for _, side := range autoSides {
		if side < l.sampled*3/2 || side > maxSample || 4*side*side > W*H {
			continue
		}
		with := l
		with.sampled = side
		with.host += 9 * 4 * int64(side) * int64(side)
		if with.take(p, side, side) == nil && (p.limit == 0 || with.need() <= p.limit) && with.device <= p.device {
			return with, nil
		}
	}
	return l, l.take(p, p.padded(min(l.sampled, H)), p.padded(min(l.sampled, W)))
}

// take sees to it that there is room for a pass over h×w pixels.
func (l *layout) take(p *planner, h, w int) error {
	weights, pass, err := p.network(h, w)
	if p.device > 0 {
		l.device = max(l.device, weights+pass)
	} else {
		l.network, l.pass = max(l.network, weights+pass), max(l.pass, pass)
	}
	return err
}

// ErrMemory is the error of a picture that does not fit into Options.MaxMemory.
var ErrMemory = errors.New("not enough memory")

func (p *planner) tooLarge(s subject, l layout, remedy string) error {
	how := "as a whole"
	if l.side > 0 {
		how = fmt.Sprintf("in tiles of %d", l.side)
	}
	return fmt.Errorf("%w: restoring %d×%d pixels %s takes about %d MB, and the limit is %d MB: %s",
		ErrMemory, s.W, s.H, how, (l.need()+megabyte-1)/megabyte, p.limit/megabyte, remedy)
}

// megabyte is the unit of messages: what is needed is rounded up and what there is
// down, so that they are never the same.
const megabyte = 1e6

// metadataCopies is how often metadata are in memory, as measured: they are read,
// turned upright and put together for the encoder.
const metadataCopies = 4

// layout counts the memory for tiles of a side. A picture that can be decoded in strips
// is if it would take much of the memory, or does not fit as a whole.
func (p *planner) layout(s subject, side int) (layout, error) {
	l, err := p.decoded(s, side, s.Streams && s.Bytes > p.limit/8)
	if err == nil && s.Streams && p.limit > 0 && l.need() > p.limit {
		return p.decoded(s, side, true)
	}
	return l, err
}

func (p *planner) decoded(s subject, side int, strips bool) (layout, error) {
	l := layout{side: side, x: newGrid(s.W, side, overlap(side)), y: newGrid(s.H, side, overlap(side))}
	w, h := int64(l.x.most()), int64(l.y.most())
	if err := l.take(p, p.padded(int(h)), p.padded(int(w))); err != nil {
		return l, err
	}
	const float = 4
	planes := int64(3)
	if s.Alpha {
		planes += 4 // alpha, and the colours stored under it
	}
	picture := s.Bytes
	bands := planes * int64(s.W) * h // the band that is restored
	tile := 9 * w * h                // padded, restored, cropped
	if p.ensemble {
		tile += 6 * w * h // turned, and the mean
	}
	if l.tiles() > 1 {
		bands += bands                  // the band that is read meanwhile
		bands += 3 * 2 * h * int64(s.W) // their blend
		tile += 3 * w * h
	}
	bands += 4 * (planes + 3) * min(stripRows, h) * int64(s.W)
	if l.tiles() > 1 && strips {
		l.window = s.Bytes / int64(s.H) * h
		picture = l.window
	}
	l.host = infer.ProgramBytes + picture + metadataCopies*s.Metadata + s.data + float*(bands+tile) + s.encoder() + s.captions()
	return p.sample(s.W, s.H, l)
}

// encoder is the memory of encoders that want the whole picture.
func (s subject) encoder() int64 {
	n := int64(s.W) * int64(s.H) * s.out.EncodeBytes()
	if s.compare {
		n *= 3 // its own, and two pictures side by side
	}
	return n
}

// captions is the memory of the words over a comparison, as pixels and as drawn.
func (s subject) captions() int64 {
	if !s.compare {
		return 0
	}
	const floats, drawn = 3 * 4, 2 * 4 // a byte for each of RGBA, twice
	wide, _ := comparedSize(s.W, s.H)
	return int64(wide) * int64(captionHeight(s.W)) * (floats + drawn)
}

// network is the memory for the weights and for one pass over h×w pixels.
func (p *planner) network(h, w int) (weights, pass int64, err error) {
	key := [2]int{h, w}
	if n, ok := p.costs[key]; ok {
		return n[0], n[1], nil
	}
	if weights, pass, err = infer.Memory(p.config, h, w); err != nil {
		return 0, 0, err
	}
	if p.costs == nil {
		p.costs = map[[2]int][2]int64{}
	}
	p.costs[key] = [2]int64{weights, pass}
	return weights, pass, nil
}
