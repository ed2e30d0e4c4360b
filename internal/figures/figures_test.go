package figures

import (
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/dataset"
	"clusir/internal/infer/infertest"
)

// photos returns splits of noise and rain over three pictures of random blocks.
func photos(t *testing.T) []*dataset.Split {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"a", "b", "c"} {
		m := image.NewRGBA(image.Rect(0, 0, 50, 36))
		for i := range 50 * 36 {
			if i%50%8 == 0 {
				v := uint8(rng.IntN(256))
				for k := range 8 {
					m.Set(i%50+k, i/50, color.RGBA{v, v / 2, 255 - v, 255})
				}
			}
		}
		f, err := os.Create(filepath.Join(dir, name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(png.Encode(f, m), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	c := dataset.Standard()
	yaml := filepath.Join(dir, "b.yaml")
	text := "n: {title: N, task: denoise, clean: ., sigmas: [25]}\nr: {title: R, task: derain, clean: ., made: derain}\n"
	if err := os.WriteFile(yaml, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := c.AddFile(yaml); err != nil {
		t.Fatal(err)
	}
	benchmarks, err := c.Resolve("n,r")
	if err != nil {
		t.Fatal(err)
	}
	var splits []*dataset.Split
	for _, b := range benchmarks {
		s, err := b.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		splits = append(splits, s...)
	}
	return splits
}

func TestEveryFigure(t *testing.T) {
	r := Request{Net: infertest.New(t, arch.Variants()["nano"], 3), Name: "nano", Splits: photos(t), Samples: 2}
	want := map[string]string{
		"affinity": "affinity-n-25.png affinity-n-25.svg affinity-r.png affinity-r.svg",
	}
	for _, name := range Names() {
		r.Dir = filepath.Join(t.TempDir(), "new")
		if err := r.mayWrite([]string{name}); err != nil { // makes the folder
			t.Fatal(err)
		}
		done := 0
		r.progress = func(d, of int) {
			if done++; d != done || of < d {
				t.Errorf("%s: progress %d of %d after %d", name, d, of, done-1)
			}
		}
		paths, err := drawOne(context.Background(), name, r)
		if err != nil {
			t.Fatal(err)
		}
		var files []string
		for _, p := range paths {
			files = append(files, filepath.Base(p))
			if info, err := os.Stat(p); err != nil || info.Size() < 1000 {
				t.Errorf("%s: %v", p, err)
			}
		}
		expected := want[name]
		if expected == "" {
			expected = name + ".png " + name + ".svg"
		}
		if got := strings.Join(files, " "); got != expected {
			t.Errorf("%s made %s, want %s", name, got, expected)
		}
		if About(name) == "" {
			t.Errorf("%s is not described", name)
		}
	}
}

// TestClustersOfStages: a figure says how many clusters run if stages differ in that.
func TestClustersOfStages(t *testing.T) {
	for want, clusters := range map[string][]int{"runs 2 of 3 clusters": {3, 3, 3, 3}, "runs 2 of 2, 3, 4, 6 clusters": {2, 3, 4, 6}} {
		c := arch.Variants()["nano"]
		c.Clusters = clusters
		r := Request{Net: infertest.New(t, c, 3), Splits: photos(t), Samples: 1, progress: func(int, int) {}}
		if sheets, err := experts(t.Context(), &r); err != nil || !strings.Contains(sheets[0].Notes[0], want) {
			t.Errorf("%v: %v, %v", clusters, sheets, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	c := arch.Variants()["nano"]
	c.UseMoE, c.UseDAFMM = false, false
	plain := Request{Net: infertest.New(t, c, 3), Name: "plain", Splits: photos(t), Dir: t.TempDir(), Samples: 1}
	whole := plain
	whole.Net = infertest.New(t, arch.Variants()["nano"], 3)
	named := whole
	named.Image = "z"
	none := whole
	none.Splits = nil
	for _, c := range []struct {
		figure, want string
		r            Request
	}{
		{"tsne", "plain has no router", plain},
		{"prototypes", "plain has no router", plain},
		{"frequency", "no frequency modulation", func() Request { r := whole; r.Net = infertest.New(t, withoutDAFMM(), 3); return r }()},
		{"crops", `no image "z"; its first is "a"`, named},
		{"crops", "no pictures", none},
	} {
		if _, err := drawOne(context.Background(), c.figure, c.r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.figure, err, c.want)
		}
	}
	whole.Dir = filepath.Join(t.TempDir(), strings.Repeat("x", 256)) // no folder can be called that
	if err := whole.mayWrite([]string{"crops"}); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a folder that cannot be made: %v", err)
	}
	if _, err := NeedsPictures([]string{"crops", "pie"}); err == nil || !strings.Contains(err.Error(), "tsne") {
		t.Errorf("an unknown figure: %v", err)
	}
	if _, err := NeedsPictures([]string{"tsne", "all"}); err == nil || err.Error() != "all stands for every figure: name it alone" {
		t.Errorf("all and another: %v", err)
	}
	if _, err := NeedsPictures([]string{"tsne", "crops", "tsne"}); err == nil || err.Error() != "figure tsne is named twice: name it once" {
		t.Errorf("a figure twice: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := drawOne(ctx, "experts", whole); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled figure: %v", err)
	}
}

func withoutDAFMM() arch.Config {
	c := arch.Variants()["nano"]
	c.UseDAFMM = false
	return c
}

func TestSpread(t *testing.T) {
	var items []dataset.Item
	for _, n := range []string{"a", "b", "c", "d", "e"} {
		items = append(items, dataset.Item{Name: n})
	}
	for n, want := range map[int]string{1: "a", 2: "ac", 3: "abd", 5: "abcde", 9: "abcde"} {
		got := ""
		for _, i := range spread(items, n) {
			got += i.Name
		}
		if got != want {
			t.Errorf("%d of 5: %s, want %s", n, got, want)
		}
	}
}

func TestMarks(t *testing.T) {
	split := func(task, label string) *dataset.Split {
		return &dataset.Split{Benchmark: &dataset.Benchmark{Title: task, Task: task}, Label: label}
	}
	several := marks([]*dataset.Split{split("denoise", "σ=15"), split("denoise", "σ=50"), split("derain", "")})
	if several[0].Colour != several[1].Colour || several[0].Mark == several[1].Mark || several[0].Colour == several[2].Colour {
		t.Errorf("several tasks: %+v", several)
	}
	seen := map[[2]any]bool{}
	var kinds []*dataset.Split
	for range 11 {
		kinds = append(kinds, split("cdd11", "x"))
	}
	for _, e := range marks(kinds) {
		seen[[2]any{e.Colour, e.Mark}] = true
	}
	if len(seen) != 11 {
		t.Errorf("eleven compositions have %d marks", len(seen))
	}
	if got := titleOf(split("cdd11", "low")); got != "cdd11 low" || !slices.Contains(Names(), "tsne") {
		t.Error(got)
	}
}
