package restore

import (
	"image"
	"path/filepath"
	"slices"
	"testing"

	"clusir/internal/imageio"
	"clusir/internal/infer/infertest"
	"clusir/internal/planar"
	"clusir/internal/testnet"
)

// TestBarsStay: bars around a picture stay as they are, and the picture between them is
// restored as without them, in every format, whole and in tiles.
func TestBarsStay(t *testing.T) {
	const W, H, left, top, w, h = 230, 210, 24, 40, 150, 140
	n, dir := stir(infertest.New(t, testnet.Small(), 1), 1), t.TempDir()
	inside := image.Rect(left, top, left+w, top+h)
	for name, info := range map[string]imageio.Info{
		"rgb8.png": {Depth: 8}, "rgb16.png": {Depth: 16}, "grey16.tif": {Depth: 16, Grey: true}, "rgb8.bmp": {Depth: 8}, "rgb8.webp": {Depth: 8},
	} {
		var err error
		info.Format, err = imageio.FormatOf(name)
		must(t, err)
		info.W, info.H = w, h
		plain := save(t, dir, "plain-"+name, info)
		_, rgb, _ := load(t, plain)
		all := planar.New(3, H, W)
		for c := range 3 {
			for i := range all.Plane(c) {
				all.Plane(c)[i] = 51. / 255
			}
		}
		all.Put(planar.Image{C: 3, H: h, W: w, Pix: rgb}, top, left)
		info.W, info.H = W, H
		in := filepath.Join(dir, name)
		must(t, write(in, info, all.Pix, nil))
		_, before, _ := load(t, in)
		for _, side := range []int{TileWhole, 128} {
			o := Options{Choices: Choices{Tile: side}}
			want := filepath.Join(dir, "want.png")
			one(t, n, Job{In: plain, Out: want, Format: imageio.PNG}, o)
			out, compare, heat := filepath.Join(dir, "out.png"), filepath.Join(dir, "compare.png"), filepath.Join(dir, "map.png")
			r := one(t, n, Job{In: in, Out: out, Format: imageio.PNG, Compare: compare, Map: heat}, o)
			if got := r.Record("", "").Inside; r.W != W || r.H != H || !slices.Equal(got, []int{left, top, w, h}) {
				t.Errorf("%s, tiles of %d: %d×%d pixels, %v of it restored", name, side, r.W, r.H, got)
			}
			_, expected, _ := load(t, want)
			_, after, _ := load(t, out)
			if d := farthest(t, cropped(after, H, W, inside), expected); d > 0 {
				t.Errorf("%s, tiles of %d: between the bars the result differs by %g", name, side, d)
			}
			planar.Image{C: 3, H: H, W: W, Pix: after}.Put(planar.Image{C: 3, H: h, W: w, Pix: rgb}, top, left)
			if d := farthest(t, after, before); d > 0 {
				t.Errorf("%s, tiles of %d: the bars changed by %g", name, side, d)
			}
			pair, both, _ := load(t, compare)
			if got := cropped(both, pair.H, pair.W, image.Rect(0, pair.H-H, W, pair.H)); farthest(t, got, before) > 0 {
				t.Errorf("%s, tiles of %d: the comparison does not begin with the input", name, side)
			}
		}
	}
}

// TestOneColourStays: a picture of one colour is returned as it is.
func TestOneColourStays(t *testing.T) {
	n, dir := stir(infertest.New(t, testnet.Small(), 1), 1), t.TempDir()
	info := imageio.Info{W: 80, H: 70, Depth: 8, Format: imageio.PNG}
	in, out := filepath.Join(dir, "in.png"), filepath.Join(dir, "out.png")
	must(t, write(in, info, slices.Repeat([]float32{0.4}, 3*80*70), nil))
	one(t, n, Job{In: in, Out: out, Format: imageio.PNG}, Options{})
	_, before, _ := load(t, in)
	_, after, _ := load(t, out)
	if d := farthest(t, after, before); d > 0 {
		t.Errorf("it changed by %g", d)
	}
}
