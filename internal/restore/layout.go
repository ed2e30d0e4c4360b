package restore

import (
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"

	"clusir/internal/arch"
	"clusir/internal/imageio"
	"clusir/internal/infer"
)

// Values of Options.Tile other than a number of pixels.
const (
	TileWhole = 0
	TileAuto  = -1 // the largest that fits into memory
)

// minTile is the smallest side of a tile: networks are trained on patches of 128
// pixels, and statistics over smaller ones are unreliable.
const minTile = 128

// overlap returns how far neighbouring tiles with the given side overlap.
func overlap(side int) int { return min(side/4/arch.Align*arch.Align, 64) }

// autoSides are the tile sides that TileAuto chooses from.
var autoSides = []int{2048, 1536, 1024, 768, 512, 384, 256, 192, minTile}

// layout is how a picture is cut into tiles, and the memory that this takes.
type layout struct {
	x, y    grid
	side    int   // 0 means the whole picture
	sampled int   // side of the sample for the tiles
	window  int64 // imageio.Limits.MaxBytes; 0 decodes the picture as a whole
	host    int64 // bytes of host memory, without the network's
	network int64 // bytes of host memory for the weights and one pass over a tile or the sample
	pass    int64 // of these, for the pass
	device  int64 // bytes on a device with its own memory, instead
}

func (l layout) need() int64 { return l.host + l.network }

func (l layout) tiles() int { return len(l.x.spans) * len(l.y.spans) }

// subject is what a picture's memory use depends on.
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
	limit    int64               // bytes of host memory; 0 for no limit
	device   int64               // bytes of device memory; 0 if that is the host's
	costs    map[[2]int][2]int64 // weights and pass by the sides of a tile
}

// choose chooses a picture's layout. A requested side is used or refused.
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
		// The device's room is only estimated: the run itself shrinks tiles.
		if (p.limit == 0 || l.need() <= p.limit) && (l.device <= p.device || side == minTile) {
			return l, nil
		}
	}
	remedy := "raise --max-memory"
	if !s.Streams {
		s.Streams = true
		if _, err := p.choose(s, TileAuto); err == nil {
			remedy += ", or convert it to a PNG without interlacing, which is read in strips"
		}
	}
	return layout{}, p.tooLarge(s, l, remedy)
}

// Fits returns why not even a small picture could be restored, nil if one could.
func Fits(net *infer.Network, o Options) error {
	p := newRun(net, o).planner
	small := subject{Probe: imageio.Probe{Format: imageio.PNG, W: minTile, H: minTile, Bytes: 3 * minTile * minTile}, out: imageio.PNG}
	_, err := p.choose(small, TileAuto)
	return err
}

// maxSample is the largest side of a sample: 1 megapixel, in 256 pieces, represents a
// picture of any size.
const maxSample = 1024

// sample chooses the side of the sample of a picture of W×H for the tiles of l: the
// larger, the more representative, but no more than a quarter of the picture or than
// fits, and a tile's side if more would gain little.
func (p *planner) sample(W, H int, l layout) (layout, error) {
	l.sampled = min(max(l.x.longest(), l.y.longest()), maxSample)
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

// take reserves room for a pass over h×w pixels.
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
	limit := fmt.Sprintf("%d MB", p.limit/megabyte)
	if p.limit < megabyte {
		limit = humanize.Bytes(uint64(p.limit))
	}
	return fmt.Errorf("%w: restoring %d×%d pixels %s takes about %d MB, and the limit is %s: %s",
		ErrMemory, s.W, s.H, how, (l.need()+megabyte-1)/megabyte, limit, remedy)
}

// megabyte is the unit in messages: needs are rounded up and limits down, so that they
// always differ.
const megabyte = 1e6

// metadataCopies is the number of copies of metadata in memory, as measured: they are
// read, turned upright and assembled for the encoder.
const metadataCopies = 4

// layout counts the memory for tiles with the given side. A picture that can be decoded
// in strips is, if it would take much of the memory or does not fit as a whole.
func (p *planner) layout(s subject, side int) (layout, error) {
	l, err := p.decoded(s, side, s.Streams && s.Bytes > p.limit/8)
	if err == nil && s.Streams && p.limit > 0 && l.need() > p.limit {
		return p.decoded(s, side, true)
	}
	return l, err
}

func (p *planner) decoded(s subject, side int, strips bool) (layout, error) {
	l := layout{side: side, x: newGrid(s.W, side, overlap(side)), y: newGrid(s.H, side, overlap(side))}
	w, h := int64(l.x.longest()), int64(l.y.longest())
	if err := l.take(p, p.padded(int(h)), p.padded(int(w))); err != nil {
		return l, err
	}
	const float = 4
	planes := int64(3)
	if s.Alpha {
		planes += 4 // alpha, and the colours stored under it
	}
	picture := s.Bytes
	bands := planes * int64(s.W) * h // the band being restored
	tile := 9 * w * h                // padded, restored, cropped
	if p.ensemble {
		tile += 6 * w * h // turned, and the mean
	}
	if l.tiles() > 1 {
		bands += bands                  // the band being read meanwhile
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

// encoder returns the memory of encoders that need the whole picture.
func (s subject) encoder() int64 {
	n := int64(s.W) * int64(s.H) * s.out.EncodeBytes()
	if s.compare {
		n *= 3 // its own, and two pictures side by side
	}
	return n
}

// captions returns the memory of the captions of a comparison, as pixels and as drawn.
func (s subject) captions() int64 {
	if !s.compare {
		return 0
	}
	const floats, drawn = 3 * 4, 2 * 4 // a byte for each of RGBA, twice
	wide, _ := comparedSize(s.W, s.H)
	return int64(wide) * int64(captionHeight(s.W)) * (floats + drawn)
}

// network returns the memory for the weights and for one pass over h×w pixels.
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
