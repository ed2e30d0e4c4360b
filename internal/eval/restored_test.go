package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/dataset"
	"clusir/internal/imageio"
	"clusir/internal/shard"
)

// writePicture writes planes as a file with the given bit depth.
func writePicture(t testing.TB, path string, w, h, depth int, pix []float32) {
	t.Helper()
	format, err := imageio.FormatOf(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	err = imageio.WriteFile(path, imageio.Info{Format: format, W: w, H: h, Depth: depth}, imageio.Options{}, func(out *imageio.Writer) error { return out.Rows(pix, nil) })
	if err != nil {
		t.Fatal(err)
	}
}

// blend writes what a program of the given quality makes of all images of the
// benchmarks: the inputs at 0, the clean images at 1. name turns an image's name into a
// file name.
func blend(t testing.TB, o Options, quality float32, depth int, name func(string) string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, b := range o.Benchmarks {
		splits, err := b.Open(o.Root)
		if errors.As(err, new(*dataset.MissingError)) {
			continue
		}
		for _, s := range splits {
			for _, item := range s.Items {
				d, err := item.Load(o.Protocol.Seed)
				if err != nil {
					t.Fatal(err)
				}
				in, pix, target := d.Input, d.Input.Planar().Pix, d.Target.Planar().Pix
				for i := range pix {
					pix[i] += quality * (target[i] - pix[i])
				}
				writePicture(t, filepath.Join(dir, newSplit(s).folder(), name(item.Name)), in.W, in.H, depth, pix)
			}
		}
	}
	return dir
}

func asPNG(name string) string { return name + ".png" }

func mustMeasure(t testing.TB, o Options, name, dir string) *Report {
	t.Helper()
	o.Subject = Subject{Model: name, Restored: dir}
	r, err := runRestored(context.Background(), 2, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestRestoredInputs: a program that does nothing has the inputs' quality, to the bit,
// in any format.
func TestRestoredInputs(t *testing.T) {
	o := options(t)
	for _, c := range []struct {
		depth int
		name  func(string) string
		want  string
	}{
		{8, asPNG, "11 as 8-bit PNG"},
		{16, asPNG, "11 as 16-bit PNG"},
		{8, func(n string) string { return n + ".bmp" }, "11 as 8-bit BMP"},
		{16, func(n string) string { return strings.ToUpper(n) + ".TIF" }, "11 as 16-bit TIFF"},
	} {
		dir := blend(t, o, 0, c.depth, c.name)
		r := mustMeasure(t, o, "nothing", dir)
		if err := r.Failed(); err != nil || len(r.Images) != 11 {
			t.Fatalf("%s: %d images, %v", c.want, len(r.Images), err)
		}
		for _, i := range r.Images {
			if i.Output != i.Input || i.Picture.SHA256 == "" {
				t.Errorf("%s, %s: %+v out, %+v in", c.want, i.name(), i.Output, i.Input)
			}
		}
		var text strings.Builder
		if err := r.Table().Write(&text, "text"); err != nil || !strings.Contains(text.String(), c.want) ||
			!strings.Contains(text.String(), "in the bits of its files") || strings.Contains(text.String(), "ours") {
			t.Errorf("the table does not say %q: %v\n%s", c.want, err, text.String())
		}
	}
}

// TestRestoredSixteenBits: 16-bit files are measured without rounding to 8 bits.
func TestRestoredSixteenBits(t *testing.T) {
	o := options(t)
	eight := mustMeasure(t, o, "m", blend(t, o, 0.97, 8, asPNG))
	sixteen := mustMeasure(t, o, "m", blend(t, o, 0.97, 16, asPNG))
	if a, b := eight.Splits[1].Output.PSNR, sixteen.Splits[1].Output.PSNR; b-a < 0.1 {
		t.Errorf("8 bits give %.3f dB and 16 bits %.3f dB", a, b)
	}
}

// TestRestoredWhole: pictures of the files' full size are cropped like the clean ones.
func TestRestoredWhole(t *testing.T) {
	o := options(t)
	o.Benchmarks = o.Benchmarks[2:]
	dir := t.TempDir()
	for _, sigma := range []string{"15", "25", "50"} {
		for i, size := range [][2]int{{40, 33}, {64, 48}, {33, 65}} {
			wave(t, filepath.Join(dir, "cbsd68-"+sigma, fmt.Sprintf("%d.png", i)), size[0], size[1], i, false)
		}
	}
	for _, i := range mustMeasure(t, o, "clean", dir).Images {
		if !math.IsInf(i.Output.PSNR, 1) {
			t.Errorf("%s: the clean picture has %g dB: %s", i.name(), i.Output.PSNR, i.Err)
		}
	}
}

// TestRestoredFaults: each fault is an error of its image, and the others are measured.
func TestRestoredFaults(t *testing.T) {
	rename := func(from, to string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
				t.Fatal(err)
			}
		}
	}
	write := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		what   string
		damage func(t *testing.T, dir string)
		want   []string // parts of the first image's error; nil: it is measured
	}{
		{"absent", rename("rain-0.png", "other.png"), []string{"there is no picture", "rain-0.*"}},
		{"another case", rename("rain-0.png", "RAIN-0.png"), nil},
		{"a name that is only like it", rename("rain-0.png", "rain-00.png"), []string{"there is no picture"}},
		{"two of one name", write("rain-0.jpg", "x"), []string{"rain-0.jpg and rain-0.png", "one name"}},
		{"two but for their case", func(t *testing.T, dir string) {
			rename("rain-0.png", "Rain-0.png")(t, dir)
			write("rAIN-0.png", "x")(t, dir)
		}, []string{"one name"}},
		{"the exact one of two", write("RAIN-0.png", "x"), nil},
		{"empty", write("rain-0.png", ""), []string{"rain-0.png"}},
		{"no picture", write("rain-0.png", "hello, this is a text"), []string{"rain-0.png"}},
		{"arrays", rename("rain-0.png", "rain-0.npy"), []string{"rain-0.npy is not a picture that can be read", ".png"}},
		{"a folder", func(t *testing.T, dir string) {
			rename("rain-0.png", "x.png")(t, dir)
			if err := os.Mkdir(filepath.Join(dir, "rain-0.png"), 0o755); err != nil {
				t.Fatal(err)
			}
		}, []string{"there is no picture"}},
		{"larger", func(t *testing.T, dir string) { wave(t, filepath.Join(dir, "rain-0.png"), 96, 64, 0, false) },
			[]string{"rain-0.png is 96×64", "norain-0.png 48×32", "must be of that size"}},
		{"turned", func(t *testing.T, dir string) { wave(t, filepath.Join(dir, "rain-0.png"), 32, 48, 0, false) },
			[]string{"is 32×48"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := options(t)
			o.Benchmarks = o.Benchmarks[1:2] // Rain100L
			dir := blend(t, o, 0.5, 8, asPNG)
			c.damage(t, filepath.Join(dir, "rain100l"))
			r := mustMeasure(t, o, "m", dir)
			if got := r.Images[0].Err; (got != "") != (c.want != nil) {
				t.Errorf("error %q", got)
			}
			for _, w := range c.want {
				if !strings.Contains(r.Images[0].Err, w) {
					t.Errorf("the error is %q, want %q in it", r.Images[0].Err, w)
				}
			}
			if r.Images[1].Err != "" || r.Images[1].Output.PSNR == 0 {
				t.Errorf("the other image: %+v", r.Images[1])
			}
		})
	}
}

// TestRestoredParts: parts without a folder are reported; a single part may lie in the
// folder itself.
func TestRestoredParts(t *testing.T) {
	o := options(t)
	dir := blend(t, o, 0.5, 8, asPNG)
	if err := os.RemoveAll(filepath.Join(dir, "cbsd68-25")); err != nil {
		t.Fatal(err)
	}
	r := mustMeasure(t, o, "m", dir)
	if len(r.Splits) != 3 || len(r.Missing) != 2 || !strings.Contains(r.Missing[1], "CBSD68 σ=25 of m: there is no folder") {
		t.Errorf("%d splits, missing %q", len(r.Splits), r.Missing)
	}
	whole := mustMeasure(t, o, "n", blend(t, o, 0.9, 8, asPNG))
	common, index := Common(whole, r)
	c, err := Compare(common[0], common[1], 0)
	if err != nil || len(c.Splits) != 3 || index[0][8] != 5 || index[1][5] != 5 || !strings.Contains(strings.Join(c.Missing, "\n"), "σ=25") {
		t.Fatalf("%v, %v\n%+v", err, index, c)
	}
	if _, err := rankReports([]*Report{whole, r}, 0); err != nil {
		t.Error(err)
	}
	one := o
	one.Benchmarks = o.Benchmarks[1:2]
	if r := mustMeasure(t, one, "m", filepath.Join(dir, "rain100l")); r.Failed() != nil || len(r.Images) != 2 {
		t.Errorf("one part alone: %v", r.Failed())
	}
	for want, at := range map[string]string{"nothing to measure": t.TempDir(), "there is no folder": filepath.Join(dir, "absent"), "is a file": filepath.Join(dir, "rain100l", "rain-0.png")} {
		o.Subject = Subject{Model: "m", Restored: at}
		if _, err := runRestored(context.Background(), 1, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", at, err, want)
		}
	}
}

// TestRestoredResume: a rewritten picture is measured again, an unchanged one is not;
// shards merge to the whole.
func TestRestoredResume(t *testing.T) {
	o := options(t)
	dir := blend(t, o, 0.5, 8, asPNG)
	whole := mustMeasure(t, o, "m", dir)
	var files []string
	for k := range 3 {
		own := o
		own.Shard, own.Results = shard.Shard{K: k + 1, N: 3}, filepath.Join(t.TempDir(), "r")
		mustMeasure(t, own, "m", dir)
		files = append(files, own.Results)
	}
	merged, err := Merge(files...)
	if err != nil || fmt.Sprintf("%+v", untimed(merged).Splits) != fmt.Sprintf("%+v", whole.Splits) || merged.Restored != dir {
		t.Errorf("%v: merged %+v, want %+v", err, merged, whole)
	}
	o.Results = filepath.Join(t.TempDir(), "r")
	mustMeasure(t, o, "m", dir)
	wave(t, filepath.Join(dir, "rain100l", "rain-1.png"), 48, 32, 1, false)
	measured := 0
	o.Resume, o.Progress = true, func(r *ImageResult, _, _ int) {
		if r != nil {
			measured++
		}
	}
	if r := mustMeasure(t, o, "m", dir); measured != 1 || !math.IsInf(r.Images[1].Output.PSNR, 1) {
		t.Errorf("%d images are measured again, %+v", measured, r.Images[1])
	}
	o.Subject = Subject{Model: "other", Restored: dir}
	if _, err := runRestored(context.Background(), 1, o); err == nil || !strings.Contains(err.Error(), "it is of m, not of other") {
		t.Errorf("another program's results: %v", err)
	}
	if _, err := Run(context.Background(), nil, o); err == nil {
		t.Error("a network continues another program's results")
	}
}
