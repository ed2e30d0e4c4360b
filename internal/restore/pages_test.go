package restore

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/semaphore"

	"clusir/internal/atomicfile"
	"clusir/internal/imageio"
	"clusir/internal/infer/infertest"
	"clusir/internal/testnet"
)

// pageInfos are the kinds of a TIFF's pages.
var pageInfos = []imageio.Info{
	{Format: imageio.TIFF, W: 150, H: 140, Depth: 8}, {Format: imageio.TIFF, W: 40, H: 30, Depth: 16, Grey: true},
	{Format: imageio.TIFF, W: 64, H: 64, Depth: 8, Alpha: true},
}

// savePages writes a TIFF of synthetic pages.
func savePages(t *testing.T, path string) {
	t.Helper()
	must(t, atomicfile.Write(path, func(out io.Writer) error {
		pages := imageio.NewPages(out, imageio.Options{}, len(pageInfos))
		for _, info := range pageInfos {
			w, err := pages.Next(info)
			must(t, err)
			must(t, w.Rows(paint(info)))
			must(t, w.Close())
		}
		return nil
	}))
}

// TestPages: every page of a TIFF is restored into a TIFF as it would be alone: whole,
// in tiles, through pipes, and with the memory that one page needs.
func TestPages(t *testing.T) {
	n, dir := stir(infertest.New(t, testnet.Small(), 1), 1), t.TempDir()
	in := filepath.Join(dir, "in.tif")
	savePages(t, in)
	data, err := os.ReadFile(in)
	must(t, err)
	var piped bytes.Buffer
	one(t, n, Job{In: Std, Out: Std}, Options{Stdin: bytes.NewReader(data), Stdout: &piped})
	must(t, os.WriteFile(filepath.Join(dir, "piped.tif"), piped.Bytes(), 0o600))
	for name, o := range map[string]Options{"out.tif": {}, "tiled.tif": {Choices: Choices{Tile: 128}}, "tight.tif": {MaxMemory: 110 << 20}, "piped.tif": {}} {
		out := filepath.Join(dir, name)
		if name != "piped.tif" {
			res := one(t, n, Job{In: in, Out: out, Format: imageio.TIFF}, o)
			if res.Pages != len(pageInfos) || res.W != 150 || len(res.Notes) > 0 {
				t.Errorf("%s: %+v", name, res)
			}
		}
		for i, info := range pageInfos {
			info.Format = 0
			alone := filepath.Join(dir, "alone.png")
			one(t, n, Job{In: save(t, dir, "page.png", info), Out: alone, Format: imageio.PNG}, o)
			_, want, _ := load(t, alone)
			m, err := imageio.Open(out, imageio.Limits{Page: i + 1})
			must(t, err)
			got, err := m.Stored(nil, m.Bounds())
			must(t, err)
			if d := farthest(t, got, want); d > 1.0/255 {
				t.Errorf("%s, page %d: off by %g", name, i+1, d)
			}
		}
	}
	shown := one(t, n, Job{In: in, Out: filepath.Join(dir, "shown.tif"), Format: imageio.TIFF,
		Compare: filepath.Join(dir, "pair.png"), Map: filepath.Join(dir, "map.png")}, Options{})
	if want := []string{"--compare shows the first of 3 pages", "--explain shows the first of 3 pages"}; !slices.Equal(shown.Notes, want) {
		t.Errorf("compared and explained: notes %q", shown.Notes)
	}
	res := one(t, n, Job{In: in, Out: filepath.Join(dir, "out.png"), Format: imageio.PNG}, Options{})
	if notes := strings.Join(res.Notes, ""); res.Pages > 1 || !strings.Contains(notes, "first of 3 pages") {
		t.Errorf("into a PNG: %d pages, notes %q", res.Pages, notes)
	}
}

// TestPagesToCome: standard input stays in memory until the last page, so that it counts
// for each. Only the first page has a map.
func TestPagesToCome(t *testing.T) {
	in := filepath.Join(t.TempDir(), "in.tif")
	savePages(t, in)
	data, err := os.ReadFile(in)
	must(t, err)
	r := newRun(infertest.New(t, testnet.Small(), 1), Options{Stdin: bytes.NewReader(data)})
	r.budget, r.memory = 1<<40, semaphore.NewWeighted(1<<40)
	r.ctx, r.stop = context.WithCancelCause(t.Context())
	defer r.stop(nil)
	opened := make(chan *picture, len(pageInfos))
	given := &Stream{Name: "it", Input: io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data))), Map: io.Discard}
	for _, job := range []Job{{In: Std, Out: Std}, {In: Std, Out: Std, Stream: given}} {
		first := r.newPicture(r.ctx, 0, job)
		r.read(first, opened)
		r.readPages(first, opened)
		for i := range pageInfos {
			p := <-opened
			if p.W != pageInfos[i].W || job.Stream == nil && p.held != int64(len(data)) || (p.affinity != nil) != (job.Stream != nil && i == 0) {
				t.Errorf("page %d, %d wide: %d bytes of %d count, map %v", i+1, p.W, p.held, len(data), p.affinity)
			}
		}
	}
}

// TestBrokenPage: if a page cannot be read, nothing of the file is written, and the
// next picture is restored.
func TestBrokenPage(t *testing.T) {
	n, dir := infertest.New(t, testnet.Small(), 1), t.TempDir()
	in, out, good := filepath.Join(dir, "in.tif"), filepath.Join(dir, "out.tif"), filepath.Join(dir, "good.png")
	savePages(t, in)
	data, err := os.ReadFile(in)
	must(t, err)
	for _, cut := range []int{len(data) - 1000, len(data) / 4} { // in the last page, and in the first
		broken := bytes.Clone(data)
		if cut == len(data)/4 {
			copy(broken[8:], "\x00\x01\xff\xff") // not a valid directory
		} else {
			broken = broken[:cut]
		}
		must(t, os.WriteFile(in, broken, 0o600))
		var results []Result
		jobs := []Job{{In: in, Out: out, Format: imageio.TIFF}, {In: save(t, dir, "in.png", imageio.Info{W: 40, H: 30}), Out: good, Format: imageio.PNG}}
		_, err = Run(t.Context(), n, slices.Values(jobs), Options{Stdout: io.Discard, Done: func(r Result) { results = append(results, r) }})
		must(t, err)
		if len(results) != 2 || results[0].Err == nil || results[1].Err != nil {
			t.Fatalf("results %+v", results)
		}
		if text := results[0].Err.Error(); !strings.Contains(text, in) || strings.Contains(text, "cannot write") {
			t.Errorf("the error does not blame the file: %v", text)
		}
		if _, err := os.Stat(out); err == nil {
			t.Error("a file without all of its pages was written")
		}
	}
}
