package restore

import (
	"errors"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/imageio"
)

func newPlanner(limit int64) *planner {
	return &planner{config: arch.Variants()["nano"], limit: limit, padded: func(n int) int { return roundUp(n, arch.Align) }}
}

// ofSize describes a picture of W×H.
func ofSize(W, H int, streams bool) subject {
	return subject{Probe: imageio.Probe{W: W, H: H, Bytes: 3 * int64(W) * int64(H), Streams: streams}, out: imageio.PNG}
}

func TestChoose(t *testing.T) {
	const mb, gb = 1 << 20, 1 << 30
	for _, c := range []struct {
		name  string
		s     subject
		limit int64
		side  int // requested
		tiles int // wanted; 0: more than one
		err   string
	}{
		{"no limit", ofSize(4000, 3000, true), 0, TileAuto, 1, ""},
		{"fits", ofSize(481, 321, true), gb, TileAuto, 1, ""},
		{"photograph in a gigabyte", ofSize(6000, 4000, true), gb, TileAuto, 0, ""},
		{"100 megapixels in a gigabyte", ofSize(10000, 10000, true), gb, TileAuto, 0, ""},
		{"100 megapixels of JPEG in a gigabyte", ofSize(10000, 10000, false), gb, TileAuto, 0, ""},
		{"thin", ofSize(50000, 1, true), 200 * mb, TileAuto, 0, ""},
		{"asked for", ofSize(1000, 500, true), gb, 256, 15, ""},
		{"asked for an odd side", ofSize(1000, 500, true), gb, 271, 15, ""},
		{"asked for the whole", ofSize(1000, 500, true), gb, TileWhole, 1, ""},
		{"larger than the picture", ofSize(1000, 500, true), gb, 4096, 1, ""},
		{"the whole does not fit", ofSize(10000, 10000, true), gb, TileWhole, 0, "as a whole takes about 3"},
		{"asked for too much", ofSize(10000, 10000, true), gb, 4096, 0, "in tiles of 4096 takes about"},
		{"asked for too much, remedy", ofSize(10000, 10000, true), gb, 4096, 0, "use --tile auto, or raise --max-memory"},
		{"no tile fits", ofSize(10000, 10000, true), 100 * mb, TileAuto, 0, "the limit is 104 MB: raise --max-memory"},
		{"a limit below any unit", ofSize(10, 10, false), 1, TileAuto, 0, "the limit is 1 B: raise --max-memory$"},
		{"a limit in kilobytes", ofSize(10, 10, true), 64000, TileAuto, 0, "the limit is 64 kB: raise --max-memory$"},
		{"streaming would not do", ofSize(10000, 10000, false), 100 * mb, TileAuto, 0, "the limit is 104 MB: raise --max-memory$"},
		{"does not stream", ofSize(10000, 10000, false), 300 * mb, TileAuto, 0, "convert it to a PNG without interlacing"},
	} {
		l, err := newPlanner(c.limit).choose(c.s, c.side)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error()+"$", c.err) || !errors.Is(err, ErrMemory) {
				t.Errorf("%s: got %v, want %q", c.name, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if c.tiles == 0 && l.tiles() == 1 || c.tiles > 0 && l.tiles() != c.tiles {
			t.Errorf("%s: %d tiles, want %d", c.name, l.tiles(), c.tiles)
		}
		if c.limit > 0 && l.need() > c.limit || l.need() <= l.host {
			t.Errorf("%s: needs %d, of which the host %d; the limit is %d", c.name, l.need(), l.host, c.limit)
		}
	}
}

// TestNeedGrows: more memory never means smaller tiles, and a picture's needs grow with
// its size, its alpha, and the files that accompany it.
func TestNeedGrows(t *testing.T) {
	tiles := 1 << 30
	for limit := int64(180 << 20); limit < 20<<30; limit += limit / 3 {
		l, err := newPlanner(limit).choose(ofSize(6000, 4000, true), TileAuto)
		if err != nil {
			t.Fatal(err)
		}
		if l.tiles() > tiles {
			t.Errorf("%d bytes: %d tiles, fewer with less", limit, l.tiles())
		}
		tiles = l.tiles()
	}
	p := newPlanner(0)
	need := func(s subject) int64 {
		l, err := p.choose(s, 512)
		must(t, err)
		return l.need()
	}
	plain := ofSize(3000, 2000, false)
	larger, alpha, webp, compare, data := ofSize(4000, 2000, false), plain, plain, plain, plain
	alpha.Alpha = true
	webp.out = imageio.WebP
	compare.out, compare.compare = imageio.WebP, true
	data.data = 1 << 20
	captioned := plain
	captioned.compare = true
	wide, _ := comparedSize(plain.W, plain.H)
	if more, low := need(captioned)-need(plain), int64(3*4*wide*captionHeight(plain.W)); more < low {
		t.Errorf("captions add %d bytes, their pixels alone are %d", more, low)
	}
	eight := newPlanner(0)
	eight.ensemble = true
	l, err := eight.choose(plain, 512)
	must(t, err)
	if side := int64(l.x.longest()) * int64(l.y.longest()); l.need() != need(plain)+4*6*side {
		t.Errorf("an ensemble takes %d bytes more than one pass, not %d", l.need()-need(plain), 4*6*side)
	}
	for i, s := range []subject{larger, alpha, webp, compare, data} {
		if need(s) <= need(plain) {
			t.Errorf("case %d: needs %d, plain %d", i, need(s), need(plain))
		}
	}
}

// TestSample: a sample is at least a tile, and larger if the picture and the memory
// allow; its needs are counted.
func TestSample(t *testing.T) {
	for _, c := range []struct {
		W, H, tile int
		limit      int64
		low, high  int
	}{
		{6000, 4000, 256, 0, maxSample, maxSample}, {6000, 4000, 2048, 0, maxSample, maxSample},
		{1000, 800, 256, 0, 384, 384}, {400, 300, 256, 0, 208, 256}, {6000, 4000, 256, 350 << 20, 256, 512},
	} {
		p := newPlanner(c.limit)
		l, err := p.choose(ofSize(c.W, c.H, true), c.tile)
		must(t, err)
		weights, pass, err := p.network(l.sampled, l.sampled)
		must(t, err)
		if l.network < weights+pass || c.limit > 0 && l.need() > c.limit {
			t.Errorf("%+v: needs %d, of which %d for the network; the sample's pass takes %d", c, l.need(), l.network, pass)
		}
		if l.sampled < c.low || l.sampled > c.high {
			t.Errorf("%+v: a sample of %d", c, l.sampled)
		}
		at := places(c.W+1, l.sampled) // from edge to edge, with the wavelet blocks of the picture
		for _, s := range at {
			if s.from%arch.Align != 0 || s.len() != piece || s.to > c.W+1 {
				t.Errorf("%+v: a piece at %d", c, s)
			}
		}
		if at[0].from != 0 || at[len(at)-1].to+arch.Align <= c.W+1 {
			t.Errorf("%+v: pieces at %d", c, at)
		}
	}
}
