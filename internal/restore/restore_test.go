package restore

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/imageio"
	"clusir/internal/infer/infertest"
	"clusir/internal/testnet"
)

// kinds are pictures of every kind that files hold.
var kinds = []struct {
	name string
	info imageio.Info
}{
	{"rgb8.png", imageio.Info{Format: imageio.PNG, Depth: 8}},
	{"rgb16.png", imageio.Info{Format: imageio.PNG, Depth: 16}},
	{"grey8.png", imageio.Info{Format: imageio.PNG, Depth: 8, Grey: true}},
	{"grey16.png", imageio.Info{Format: imageio.PNG, Depth: 16, Grey: true}},
	{"rgba8.png", imageio.Info{Format: imageio.PNG, Depth: 8, Alpha: true}},
	{"rgba16.png", imageio.Info{Format: imageio.PNG, Depth: 16, Alpha: true}},
	{"greya8.png", imageio.Info{Format: imageio.PNG, Depth: 8, Grey: true, Alpha: true}},
	{"rgb16.tif", imageio.Info{Format: imageio.TIFF, Depth: 16}},
	{"rgba8.tif", imageio.Info{Format: imageio.TIFF, Depth: 8, Alpha: true}},
	{"rgba8.webp", imageio.Info{Format: imageio.WebP, Depth: 8, Alpha: true}},
	{"rgb8.bmp", imageio.Info{Format: imageio.BMP, Depth: 8}},
}

// TestIdentity: an untrained network changes nothing, so every picture is returned
// unchanged, to the last bit of 8 or 16, including hidden colours and metadata: whole,
// in tiles, and at half strength.
func TestIdentity(t *testing.T) {
	n, dir := infertest.New(t, testnet.Small(), 1), t.TempDir()
	for _, k := range kinds {
		info := k.info
		info.W, info.H = 211, 150
		info.Meta = imageio.Metadata{XMP: []byte("<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>"), Resolution: imageio.Resolution{X: imageio.Ratio{Num: 300, Den: 1}, Y: imageio.Ratio{Num: 300, Den: 1}, Unit: imageio.Inch}}
		if info.Format == imageio.BMP {
			info.Meta = imageio.Metadata{}
		}
		in := save(t, dir, k.name, info)
		before, rgb, alpha := load(t, in)
		for _, o := range []Options{{Choices: Choices{Tile: TileWhole}}, {Choices: Choices{Tile: 128}}, {Choices: Choices{Tile: 128, Strength: 0.5}}} {
			out := filepath.Join(dir, "out", k.name)
			res := one(t, n, Job{In: in, Out: out, Format: info.Format}, o)
			after, rgb2, alpha2 := load(t, out)
			if d := max(farthest(t, rgb2, rgb), farthest(t, alpha2, alpha)); d != 0 {
				t.Errorf("%s, tiles of %d: off by %g", k.name, o.Tile, d)
			}
			if after.W != before.W || after.H != before.H || after.Depth != before.Depth || after.Grey != before.Grey ||
				after.Alpha != before.Alpha || !bytes.Equal(after.Meta.XMP, before.Meta.XMP) {
				t.Errorf("%s became %+v", k.name, after)
			}
			if tiled := res.Tiles > 1; tiled != (o.Tile > 0) || len(res.Notes) > 0 {
				t.Errorf("%s, tiles of %d: %d tiles, notes %q", k.name, o.Tile, res.Tiles, res.Notes)
			}
		}
	}
}

// TestTilesKnowTheirPlace: tiles of a pattern that repeats, which are the same, are
// restored by different parts of the prompt.
func TestTilesKnowTheirPlace(t *testing.T) {
	n, dir := stir(infertest.New(t, testnet.Small(), 1), 1), t.TempDir()
	info := imageio.Info{Format: imageio.PNG, W: 240, H: 240, Depth: 16}
	rgb := make([]float32, 3*info.W*info.H)
	for i := range rgb {
		rgb[i] = float32(i%16*(i/info.W%16)) / 256
	}
	in, out := filepath.Join(dir, "in.png"), filepath.Join(dir, "out.png")
	must(t, write(in, info, rgb, nil))
	one(t, n, Job{In: in, Out: out, Format: imageio.PNG}, Options{Choices: Choices{Tile: 128}})
	_, got, _ := load(t, out)
	const at, stride = 40, 80 // within the first tile alone, and from one tile to the next
	if here := got[at*info.W+at]; here == got[at*info.W+at+stride] || here == got[(at+stride)*info.W+at] {
		t.Errorf("%g in three tiles", here)
	}
}

// TestOddSizes: pictures of any size keep their size.
func TestOddSizes(t *testing.T) {
	n, dir := infertest.New(t, testnet.Small(), 1), t.TempDir()
	for _, size := range [][2]int{{1, 1}, {1, 900}, {900, 1}, {3, 5}, {17, 129}, {128, 128}, {129, 127}} {
		in := save(t, dir, "in.png", imageio.Info{W: size[0], H: size[1]})
		_, want, _ := load(t, in)
		for _, side := range []int{TileWhole, TileAuto, 128} {
			out := filepath.Join(dir, fmt.Sprint(side, ".png"))
			one(t, n, Job{In: in, Out: out, Format: imageio.PNG}, Options{Choices: Choices{Tile: side}, MaxMemory: 1 << 30})
			info, got, _ := load(t, out)
			if info.W != size[0] || info.H != size[1] || farthest(t, got, want) != 0 {
				t.Errorf("%v, tiles of %d: came back as %d×%d", size, side, info.W, info.H)
			}
		}
	}
}

// TestStrength: strength interpolates linearly.
func TestStrength(t *testing.T) {
	n, dir := stir(infertest.New(t, testnet.Small(), 1), 1), t.TempDir()
	in := save(t, dir, "in.png", imageio.Info{W: 64, H: 48, Depth: 16})
	_, before, _ := load(t, in)
	results := map[float32][]float32{}
	for _, s := range []float32{1e-9, 0.5, 1} {
		out := filepath.Join(dir, fmt.Sprint(s, ".png"))
		one(t, n, Job{In: in, Out: out, Format: imageio.PNG}, Options{Choices: Choices{Strength: s}})
		_, results[s], _ = load(t, out)
	}
	if d := farthest(t, results[1e-9], before); d > 2e-5 {
		t.Errorf("without strength it is off by %g", d)
	}
	if d := farthest(t, results[1], before); d < 0.01 {
		t.Fatalf("the network changes nothing: %g", d)
	}
	for i, half := range results[0.5] {
		if d := half - (before[i]+results[1][i])/2; results[1][i] > 0 && results[1][i] < 1 && (d > 4e-5 || d < -4e-5) {
			t.Fatalf("value %d is %g, between %g and %g", i, half, before[i], results[1][i])
		}
	}
}

// TestHiddenColours: colours under alpha 0 are returned unchanged, and do not affect
// visible pixels next to them.
func TestHiddenColours(t *testing.T) {
	n, dir := stir(infertest.New(t, testnet.Small(), 1), 1), t.TempDir()
	info := imageio.Info{Format: imageio.PNG, W: 96, H: 64, Depth: 8, Alpha: true}
	var visible [2][]float32
	for i, hidden := range []float32{0, 1} {
		rgb, alpha := paint(info)
		for k := range rgb {
			if k%info.W < 8 {
				rgb[k] = hidden
			}
		}
		for k := range alpha {
			if k%info.W < 8 {
				alpha[k] = 0
			}
		}
		left := image.Rect(0, 0, 8, info.H)
		fill := cropped(rgb, info.H, info.W, left)
		in, out := filepath.Join(dir, "in.png"), filepath.Join(dir, "out.png")
		must(t, write(in, info, rgb, alpha))
		one(t, n, Job{In: in, Out: out, Format: imageio.PNG}, Options{})
		_, rgb, alpha = load(t, out)
		if d := farthest(t, cropped(rgb, info.H, info.W, left), fill); d != 0 {
			t.Errorf("hidden colours %g changed by %g", hidden, d)
		}
		_, _, want := load(t, in)
		if d := farthest(t, alpha, want); d != 0 {
			t.Errorf("alpha changed by %g", d)
		}
		right := image.Rect(10, 0, info.W, info.H)
		visible[i] = cropped(rgb, info.H, info.W, right)
	}
	if d := farthest(t, visible[0], visible[1]); d != 0 {
		t.Errorf("hidden colours bleed by %g", d)
	}
}

// TestStreams restores from standard input to standard output, and reports what is
// lost.
func TestStreams(t *testing.T) {
	n, dir := infertest.New(t, testnet.Small(), 1), t.TempDir()
	in := save(t, dir, "in.png", imageio.Info{W: 40, H: 30, Depth: 16})
	data, err := os.ReadFile(in)
	must(t, err)
	var out bytes.Buffer
	one(t, n, Job{In: Std, Out: Std}, Options{Stdin: bytes.NewReader(data), Stdout: &out})
	m, err := imageio.Decode(bytes.NewReader(out.Bytes()), "result", imageio.Limits{})
	if err != nil || m.Format != imageio.PNG || m.Depth != 16 {
		t.Errorf("got %v, %v", m, err)
	}
	res := one(t, n, Job{In: in, Out: filepath.Join(dir, "x.jpg"), Format: imageio.JPEG}, Options{})
	if len(res.Notes) != 1 || !strings.Contains(res.Notes[0], "16 bits become 8") {
		t.Errorf("notes %q", res.Notes)
	}
}

// TestCompare: the left half is the input, the right half the result, each under its
// caption, with a white line between them.
func TestCompare(t *testing.T) {
	n, dir := stir(infertest.New(t, testnet.Small(), 1), 1), t.TempDir()
	for _, k := range kinds[:6] {
		info := k.info
		info.W, info.H = 130, 200
		in := save(t, dir, k.name, info)
		out, cmp := filepath.Join(dir, "out.png"), filepath.Join(dir, "sub", "cmp.png")
		one(t, n, Job{In: in, Out: out, Format: imageio.PNG, Compare: cmp}, Options{Choices: Choices{Tile: 128}})
		got, pair, _ := load(t, cmp)
		caption := captionHeight(130)
		if got.W != 2*130+2 || got.H != caption+200 || got.Alpha || got.Depth != info.Depth || got.Grey != info.Grey {
			t.Fatalf("%s: compared in %+v", k.name, got)
		}
		for i, path := range []string{in, out} {
			_, rgb, alpha := load(t, path)
			if alpha != nil {
				imageio.Flatten(rgb, alpha)
			}
			half := columns(got, i*132, i*132+130)
			words := half
			half.Min.Y, words.Max.Y = caption, caption
			if !slices.Contains(cropped(pair, got.H, got.W, words), 1) || slices.Min(cropped(pair, got.H, got.W, words)) > 0.5 {
				t.Errorf("%s: half %d has no caption of dark on white", k.name, i)
			}
			if d := farthest(t, cropped(pair, got.H, got.W, half), rgb); d > 0.004 { // rounded before and after it was flattened
				t.Errorf("%s: half %d is off by %g", k.name, i, d)
			}
		}
		for _, v := range cropped(pair, got.H, got.W, columns(got, 130, 132)) {
			if v != 1 {
				t.Fatalf("%s: the line is %g", k.name, v)
			}
		}
	}
}

// TestFolder restores many pictures at once: results come in order, broken pictures are
// reported and leave no files, and the good ones are all there.
func TestFolder(t *testing.T) {
	n, dir := infertest.New(t, testnet.Small(), 1), t.TempDir()
	var want []string
	for i := range 30 {
		name := fmt.Sprintf("in/%02d.png", i)
		save(t, dir, name, imageio.Info{W: 20 + 13*i, H: 40 + 5*(i%7)})
		switch i {
		case 3, 17:
			must(t, os.WriteFile(filepath.Join(dir, name), []byte("no picture at all"), 0o644))
		case 11:
			must(t, os.Truncate(filepath.Join(dir, name), 200))
		default:
			want = append(want, fmt.Sprintf("%02d.png", i))
		}
	}
	plan, err := Request{Inputs: []string{filepath.Join(dir, "in")}, Output: filepath.Join(dir, "out")}.Plan()
	must(t, err)
	var seen, failed []string
	s, err := Run(context.Background(), n, slices.Values(plan.Jobs), Options{Choices: Choices{Strength: 1, Tile: TileAuto}, MaxMemory: 256 << 20, Done: func(r Result) {
		seen = append(seen, filepath.Base(r.In))
		if r.Err != nil {
			failed = append(failed, filepath.Base(r.In))
			if !strings.Contains(r.Err.Error(), filepath.Base(r.In)) || strings.Contains(r.Err.Error(), "cannot write") {
				t.Errorf("%s failed with %q", r.In, r.Err)
			}
		}
	}})
	must(t, err)
	if s.Restored != 27 || s.Failed != 3 || len(seen) != 30 || !slices.IsSorted(seen) || strings.Join(failed, " ") != "03.png 11.png 17.png" {
		t.Errorf("%+v, seen %v, failed %v", s, seen, failed)
	}
	if got := files(t, filepath.Join(dir, "out")); !slices.Equal(got, want) {
		t.Errorf("results %v", got)
	}
}

// TestTilesFreeEverything: nothing that tiles share is left in memory, whether the
// picture is finished or fails.
func TestTilesFreeEverything(t *testing.T) {
	n, dir := infertest.New(t, testnet.Small(), 1), t.TempDir()
	used := n.Tape().B.(interface{ Used() int64 }).Used
	before := used()
	in := save(t, dir, "in.png", imageio.Info{W: 400, H: 300})
	for _, out := range []io.Writer{&bytes.Buffer{}, &full{room: 1000}} {
		share := 0.
		_, err := Run(context.Background(), n, slices.Values([]Job{{In: in, Out: Std}}),
			Options{Choices: Choices{Strength: 1, Tile: 192}, Stdout: out, Progress: func(_ int, _ Job, done float64) { share = done }})
		must(t, err)
		n.Tape().Reset()
		if left := used() - before; left != 0 || share < 0.5 {
			t.Errorf("%d bytes are left behind after %g of the picture", left, share)
		}
	}
}
