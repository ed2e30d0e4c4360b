package restore

import (
	"path/filepath"
	"slices"
	"testing"

	"clusir/internal/imageio"
	"clusir/internal/infer/infertest"
	"clusir/internal/testnet"
)

// TestProgress: for a picture in one piece, in tiles, of several pages, in parts for
// lack of memory, or one that fails, the reports begin at 0, never fall, and end at 1
// if the picture is restored.
func TestProgress(t *testing.T) {
	dir := t.TempDir()
	pages := filepath.Join(dir, "pages.tif")
	savePages(t, pages)
	for _, c := range []struct {
		name     string
		in       string
		o        Options
		parts    bool // the device has no memory for larger tiles
		minSteps int  // steps
		fails    bool
	}{
		{"in one piece", save(t, dir, "small.png", imageio.Info{W: 90, H: 70}), Options{}, false, 50, false},
		{"in tiles", save(t, dir, "large.png", imageio.Info{W: 300, H: 400}), Options{Choices: Choices{Tile: 128}}, false, 500, false},
		{"pages", pages, Options{}, false, 150, false},
		{"in parts", filepath.Join(dir, "large.png"), Options{}, true, 500, false},
		{"onto a full disk", filepath.Join(dir, "large.png"), Options{Choices: Choices{Tile: 128}, Stdout: &full{room: 1000}}, false, 100, true},
	} {
		n := infertest.New(t, testnet.Small(), 1)
		var said []float64
		c.o.Strength, c.o.Progress = 1, func(index int, job Job, done float64) {
			if index != 0 || job.In != c.in {
				t.Errorf("%s: job %d, %s", c.name, index, job.In)
			}
			said = append(said, done)
		}
		r := newRun(n, c.o)
		if c.parts {
			r.maxTileSide = 128
		}
		out := filepath.Join(t.TempDir(), "out"+filepath.Ext(c.in))
		if c.fails {
			out = Std
		}
		s, err := r.all(t.Context(), slices.Values([]Job{{In: c.in, Out: out}}))
		if err != nil || s.Failed > 0 != c.fails {
			t.Fatalf("%s: %v, %+v", c.name, err, s)
		}
		if len(said) < c.minSteps || said[0] != 0 || (said[len(said)-1] == 1) == c.fails {
			t.Fatalf("%s: %d steps: %v", c.name, len(said), said)
		}
		for i, s := range said[1:] {
			if s <= said[i] {
				t.Errorf("%s: %g after %g", c.name, s, said[i])
			}
		}
	}
}
