package dataset

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/planar"
)

var noise = Task{Kind: Denoise, Repeat: 3, Sigmas: []float64{15, 25, 50}}

func sample(t *testing.T, s *Set, epoch, index int) (input, target []float32, info Info) {
	t.Helper()
	n := 3 * s.opts.Patch * s.opts.Patch
	input, target = make([]float32, n), make([]float32, n)
	info, err := s.Sample(input, target, epoch, index)
	if err != nil {
		t.Fatal(err)
	}
	return input, target, info
}

func TestEpochShowsEachEntryOnce(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 40, 50, "Train/Denoise/1.png", "Train/Denoise/2.jpg",
		"Train/Derain/rainy/rain-1.png", "Train/Derain/gt/norain-1.jpg")
	s, r := open(t, options(dir, noise, Task{Kind: Derain, Repeat: 5}))
	if want := 2*3*3 + 5; s.Len() != want || r.sum().Samples != want {
		t.Fatalf("Len %d, report %d, want %d", s.Len(), r.sum().Samples, want)
	}
	var orders [2][]string
	for epoch := range orders {
		count := map[string]int{}
		for i := range s.Len() {
			_, _, info := sample(t, s, epoch, i)
			name := filepath.Base(info.Target) + info.Params
			orders[epoch] = append(orders[epoch], name)
			count[name]++
		}
		for name, n := range count {
			if want := map[bool]int{true: 5, false: 3}[name == "norain-1.jpg"]; n != want {
				t.Errorf("epoch %d shows %s %d times, want %d", epoch, name, n, want)
			}
		}
	}
	if slices.Equal(orders[0], orders[1]) {
		t.Error("two epochs have the same order")
	}
}

func TestPairsAreCutAndTurnedAlike(t *testing.T) {
	dir := t.TempDir()
	// With equal files as input and target, both sides of every sample must agree.
	ramps := image.NewRGBA(image.Rect(0, 0, 45, 39)) // red along x, green along y
	for i := range 45 * 39 {
		ramps.Set(i%45, i/45, color.RGBA{uint8(5 * (i % 45)), uint8(5 * (i / 45)), 0, 255})
	}
	writeImage(t, filepath.Join(dir, "a/x.png"), ramps)
	if err := os.CopyFS(filepath.Join(dir, "b"), os.DirFS(filepath.Join(dir, "a"))); err != nil {
		t.Fatal(err)
	}
	for _, rotate := range []bool{false, true} {
		o := options(dir, Task{Kind: Pairs, Repeat: 40, Input: "a", Target: "b"})
		o.Rotate = rotate
		s, _ := open(t, o)
		seen, turns := map[string]bool{}, map[[2]bool]map[bool]bool{}
		for i := range s.Len() {
			in, target, _ := sample(t, s, 0, i)
			if !slices.Equal(in, target) {
				t.Fatalf("sample %d: input and target are cut or turned differently", i)
			}
			seen[fmt.Sprint(in[:4], in[32*32:][:4])] = true
			flips := [2]bool{in[0] > in[32*32-1], in[32*32] > in[2*32*32-1]}
			if turns[flips] == nil {
				turns[flips] = map[bool]bool{}
			}
			turns[flips][in[0] == in[1]] = true // red along y
		}
		for flips, of := range turns {
			if len(turns) != 4 || of[true] != rotate || !of[false] {
				t.Errorf("rotate %t: %d flips, %v of them turned: %v", rotate, len(turns), flips, of)
			}
		}
		if len(seen) < 20 {
			t.Errorf("40 samples show only %d different patches", len(seen))
		}
	}
}

// TestWindow: every place of a patch in an image is drawn, that of a smaller image alone.
func TestWindow(t *testing.T) {
	for _, c := range []struct{ w, h, side, places int }{{10, 7, 4, 7 * 4}, {10, 4, 4, 7}, {4, 4, 4, 1}, {10, 3, 4, 7}, {2, 3, 4, 1}} {
		rng, seen := newRand(1), map[image.Rectangle]bool{}
		for range 500 {
			at := NewImage(c.w, c.h).window(c.side, rng)
			seen[at] = true
			if at.Dx() != c.side || at.Dy() != c.side || at.Min.X < 0 || at.Min.Y < 0 || at.Min.X > 0 && at.Max.X > c.w || at.Min.Y > 0 && at.Max.Y > c.h {
				t.Fatalf("%d×%d: a window of %v", c.w, c.h, at)
			}
		}
		if len(seen) != c.places {
			t.Errorf("%d×%d: %d windows, want %d", c.w, c.h, len(seen), c.places)
		}
	}
}

func TestTurnsAreTheSquaresSymmetries(t *testing.T) {
	m := NewImage(2, 2)
	for i := range 4 {
		m.Pix[3*i] = uint8(i)
	}
	want := map[int]string{0: "0123", 1: "1032", 2: "2301", 3: "3210", 4: "0213", 5: "2031", 6: "1302", 7: "3120"}
	got := map[string]bool{}
	for turn := range planar.Turn(planar.Turns) {
		dst := make([]float32, 12)
		m.planarTurned(dst, turn)
		s := ""
		for _, v := range dst[:4] {
			s += fmt.Sprint(int(v*255 + .5))
		}
		if turn < 4 && s != want[int(turn)] {
			t.Errorf("turn %d gives %s, want %s", turn, s, want[int(turn)])
		}
		got[s] = true
	}
	if len(got) != 8 {
		t.Errorf("eight turns give %d different images", len(got))
	}
}

func TestSmallImagesAreMirrored(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 20, 9, "Train/Denoise/1.png")
	s, r := open(t, options(dir, Task{Kind: Clean, Repeat: 1}))
	if r.Tasks[0].Small != 1 {
		t.Errorf("report counts %d images smaller than the patch, want 1", r.Tasks[0].Small)
	}
	m, err := ReadImage(filepath.Join(dir, "Train/Denoise/1.png"))
	if err != nil {
		t.Fatal(err)
	}
	c := m.Crop(image.Rect(0, 0, 32, 32))
	for _, p := range [][4]int{{20, 0, 18, 0}, {31, 0, 7, 0}, {0, 9, 0, 7}, {0, 17, 0, 1}, {3, 16, 3, 0}} {
		for k := range 3 {
			if c.Pix[3*(p[1]*32+p[0])+k] != m.Pix[3*(p[3]*20+p[2])+k] {
				t.Errorf("pixel (%d,%d) is not (%d,%d) mirrored", p[0], p[1], p[2], p[3])
			}
		}
	}
	in, target, _ := sample(t, s, 0, 0)
	if !slices.Equal(in, target) {
		t.Error("noise of σ=0 changed the patch")
	}
}

func collect(t *testing.T, s *Set, o LoadOptions, steps int) (input []float32, infos []Info) {
	t.Helper()
	l, err := s.Load(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for k := range steps {
		b, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		if b.Step != o.First+k {
			t.Fatalf("batch %d has step %d", o.First+k, b.Step)
		}
		input = append(append(input, b.Input...), b.Target...)
		infos = append(infos, b.Info...)
	}
	return input, infos
}

func TestLoaderIsDeterministic(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 40, 50, "1.png", "2.png", "3.png")
	s, _ := open(t, options(dir, noise)) // 27 samples per epoch
	want, wantInfo := collect(t, s, LoadOptions{Batch: 4}, 10)
	for _, o := range []LoadOptions{{Batch: 4, Workers: 3}, {Batch: 4, Workers: 7, Ahead: 9}} {
		again, _ := open(t, options(dir, noise))
		again.cache.limit = 0
		got, info := collect(t, again, o, 10)
		if !slices.Equal(got, want) || !slices.Equal(info, wantInfo) {
			t.Errorf("%+v delivers different batches from one worker", o)
		}
	}
	tail, _ := collect(t, s, LoadOptions{Batch: 4, First: 6}, 4)
	if !slices.Equal(tail, want[len(want)/10*6:]) {
		t.Error("a loader that begins at step 6 delivers different batches")
	}
	for i, info := range wantInfo {
		if info.Epoch != i/27 || info.Index != i%27 {
			t.Fatalf("sample %d is (%d, %d), want (%d, %d)", i, info.Epoch, info.Index, i/27, i%27)
		}
	}
	other := options(dir, noise)
	other.Seed = 2
	s2, _ := open(t, other)
	if got, _ := collect(t, s2, LoadOptions{Batch: 4}, 10); slices.Equal(got, want) {
		t.Error("another seed delivers the same batches")
	}
}

func TestRanksShareEachBatch(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 40, 50, "1.png", "2.png")
	s, _ := open(t, options(dir, noise))
	_, whole := collect(t, s, LoadOptions{Batch: 6}, 4)
	_, first := collect(t, s, LoadOptions{Batch: 6, Rank: 0, Ranks: 2}, 4)
	_, second := collect(t, s, LoadOptions{Batch: 6, Rank: 1, Ranks: 2}, 4)
	for k := range 4 {
		if !slices.Equal(whole[6*k:6*k+3], first[3*k:3*k+3]) || !slices.Equal(whole[6*k+3:6*k+6], second[3*k:3*k+3]) {
			t.Errorf("batch %d is not the two ranks' halves", k)
		}
	}
}

// TestPartsHoldTheSameSamples: each part of a batch consists of the two ranks' shares
// of it.
func TestPartsHoldTheSameSamples(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 40, 50, "1.png", "2.png")
	s, _ := open(t, options(dir, noise))
	_, whole := collect(t, s, LoadOptions{Batch: 8}, 1)
	_, first := collect(t, s, LoadOptions{Batch: 8, Rank: 0, Ranks: 2, Parts: 2}, 1)
	_, second := collect(t, s, LoadOptions{Batch: 8, Rank: 1, Ranks: 2, Parts: 2}, 1)
	for part := range 2 {
		if got := slices.Concat(first[2*part:2*part+2], second[2*part:2*part+2]); !slices.Equal(whole[4*part:4*part+4], got) {
			t.Errorf("part %d consists of %v, want %v", part, got, whole[4*part:4*part+4])
		}
	}
}

func TestLoaderStops(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 40, 50, "1.png")
	s, _ := open(t, options(dir, noise))
	ctx, cancel := context.WithCancel(context.Background())
	l, err := s.Load(ctx, LoadOptions{Batch: 2, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Next(); err != nil {
		t.Fatal(err)
	}
	cancel()
	for err == nil { // batches that were ready may still come
		_, err = l.Next()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after cancelling, Next returns %v", err)
	}
	l.Close()
	l.Close()
}

func TestLoaderNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 40, 50, "good.png", "cut.png")
	path := filepath.Join(dir, "cut.png")
	damage(t, path)
	s, _ := open(t, options(dir, noise))
	l, err := s.Load(context.Background(), LoadOptions{Batch: s.Len()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Next(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged image gives %v, which does not name %s", err, path)
	}
}

func TestLoadOptionsAreChecked(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 40, 50, "1.png")
	s, _ := open(t, options(dir, noise))
	for want, o := range map[string]LoadOptions{
		"batch is 0":    {},
		"among 2 ranks": {Batch: 3, Ranks: 2},
		"in 2 parts":    {Batch: 6, Ranks: 2, Parts: 2},
		"rank 2":        {Batch: 4, Ranks: 2, Rank: 2},
		"first step":    {Batch: 4, First: -1},
	} {
		if _, err := s.Load(context.Background(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error is %v, want one about %q", o, err, want)
		}
	}
}

func TestCacheKeepsToItsLimit(t *testing.T) {
	reads := 0
	c := newCache(100)
	c.read = func(string) (*Image, error) { reads++; return NewImage(4, 4), nil } // 48 bytes
	for range 3 {
		for _, name := range []string{"a", "b", "c"} {
			if _, err := c.get(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if c.used != 96 || reads != 2+3 {
		t.Errorf("cache of 100 bytes holds %d after %d reads, want 96 after 5", c.used, reads)
	}
}
