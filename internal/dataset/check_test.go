package dataset

import (
	"context"
	"errors"
	"image"
	"image/color"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"clusir/internal/sharedtest"
)

// scene returns a smooth picture that depends on the seed.
func scene(seed float64) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, 64, 48))
	for y := range 48 {
		for x := range 64 {
			v := 128 + 100*math.Sin(float64(x)*seed/7+seed)*math.Cos(float64(y)*seed/5)
			m.SetNRGBA(x, y, color.NRGBA{uint8(v), uint8(v / 2), 40, 255})
		}
	}
	return m
}

func TestCheckFindsOverlapsAndDamage(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, seed := range map[string]float64{
		"Train/Denoise/one.jpg": 1, "test/denoise/bsd68/9.png": 1, // another encoding
		"Train/Denoise/two.png": 2, "test/derain/Rain100L/target/rain-1.png": 2, "test/derain/Rain100L/input/rain-1.png": 2.5, // the same bytes
		"Train/Denoise/three.png": 3, "Train/Denoise/four.png": 4, "test/denoise/bsd68/8.png": 1.2,
		"Train/Enhance/low/a.png": 5, "Train/Enhance/gt/a.png": 2.5, // equals a test set's degraded image, which does no harm
	} {
		writeImage(t, at(name), scene(seed))
	}
	damage(t, at("Train/Denoise/four.png"))

	s, r := open(t, options(dir, noise, Task{Kind: Enhance, Repeat: 1}))
	calls := 0
	if err := s.Check(context.Background(), r, Standard(), dir, func(done, total int) {
		calls++
		if done > total || total != 6+3 {
			t.Errorf("%d of %d done", done, total)
		}
	}); err != nil {
		t.Fatal(err)
	}
	want := []Overlap{
		{at("Train/Denoise/one.jpg"), at("test/denoise/bsd68/9.png"), "cbsd68", "picture"},
		{at("Train/Denoise/two.png"), at("test/derain/Rain100L/target/rain-1.png"), "rain100l", "file"},
	}
	if !slices.Equal(r.Overlaps, want) {
		t.Errorf("overlaps %+v, want %+v", r.Overlaps, want)
	}
	if len(r.Damaged) != 1 || r.Damaged[0].File != at("Train/Denoise/four.png") || r.Checked != 6 || calls != 9 {
		t.Errorf("%d checked, %d calls, damaged: %+v", r.Checked, calls, r.Damaged)
	}
	var b strings.Builder
	if err := r.WriteText(&b, 5); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"   task  used    of  found  skipped  unreadable  sizes differ  in a test set  clean  smallest  largest  samples/epoch",
		"denoise     4  5144      4        –           1             –              2      –     64×48    64×48             36",
		"6 images decoded, 1 that cannot be used", "also in benchmark cbsd68", "is the same file as",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("report lacks %q:\n%s", want, b.String())
		}
	}
	if n := strings.Count(b.String(), "four.png"); n != 1 {
		t.Errorf("the report names the damaged file %d times:\n%s", n, b.String())
	}
}

// TestCheckReadsMaps: a map that does not fit its photograph, which would end a run, is
// reported once, and can be left out by its path, as its message says; the photograph stays.
func TestCheckReadsMaps(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 32, 32, "Train/Denoise/1.png", "Train/Denoise/2.png", "maps/1.png")
	writeImages(t, dir, 16, 32, "maps/2.png")
	task := Task{Kind: CDD11, Synth: 1, Depth: "maps", Light: "maps", Kinds: []string{"low", "haze"}}
	o := options(dir, task)
	for _, want := range [][]Skip{{{filepath.Join(dir, "maps/2.png"), SizesDiffer, "16×32, clean 32×32"}}, nil} {
		s, r := open(t, o)
		if err := s.Check(t.Context(), r, Standard(), dir, nil); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(r.Damaged, want) {
			t.Errorf("without %q: %+v, want %+v", o.Exclude, r.Damaged, want)
		}
		if n := len(s.sources[0].pairs); n != 2 {
			t.Errorf("without %q: %d photographs, want 2", o.Exclude, n)
		}
		writeText(t, filepath.Join(dir, "leave.txt"), "maps/2.png")
		o.Exclude = []string{"leave.txt"}
	}
}

// TestCheckOfSharedFolder: two benchmarks read Kodak's folder, and the same one is named
// each time.
func TestCheckOfSharedFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "test/denoise/kodak24/1.png")
	writeImages(t, dir, 32, 32, "test/denoise/kodak24/1.png")
	for range 20 {
		if test, err := Standard().cleanFiles(dir); err != nil || test[file] != "kodak24" {
			t.Fatalf("%v, %v", test, err)
		}
	}
}

func TestCheckIsCancelled(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 32, 32, "a.png", "b.png")
	s, r := open(t, options(dir, noise))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Check(ctx, r, Standard(), dir, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if _, err := overlaps(ctx, []string{"a.png"}, nil, nil); !errors.Is(err, context.Canceled) { // many take minutes
		t.Errorf("once all are read: %v", err)
	}
}

// The list of overlaps that comes with the data must agree with the pictures: without
// the list, 12 of the 24 test images are trained on, and with it none.
func TestOverlapsOfRain100L(t *testing.T) {
	root := sharedtest.Shared(t, "data")
	sets, err := Standard().Resolve("rain100l")
	if err != nil {
		t.Fatal(err)
	}
	c := &Catalog{benchmarks: map[string]*Benchmark{"rain100l": sets[0]}}
	for keep, want := range map[bool]int{true: 12, false: 0} {
		o := options(root, Task{Kind: Denoise, Repeat: 1, Sigmas: []float64{15}})
		o.KeepOverlaps = keep
		s, r := open(t, o)
		if err := s.Check(context.Background(), r, c, root, nil); err != nil {
			t.Fatal(err)
		}
		if len(r.Overlaps) != want {
			t.Errorf("with KeepOverlaps %v, %d training images are in Rain100L's test set, want %d", keep, len(r.Overlaps), want)
		}
	}
}

// TestUnchecked: a file that the machine could not read is neither damaged nor checked.
func TestUnchecked(t *testing.T) {
	busy := &fs.PathError{Op: "open", Path: "b.png", Err: syscall.EMFILE}
	prints := map[string]fingerprint{"c.png": {err: busy}, "a.png": {}, "b.png": {err: unreadable(busy)}, "d.png": {err: errors.New("it is no image")}}
	if err := unchecked(prints); !errors.Is(err, syscall.EMFILE) || !strings.Contains(err.Error(), "2 of 4 files could not be checked; the first: open b.png: ") || strings.Contains(err.Error(), "replace") {
		t.Error(err)
	}
	if err := unchecked(map[string]fingerprint{"d.png": {err: errors.New("it is no image")}}); err != nil {
		t.Error(err)
	}
}
