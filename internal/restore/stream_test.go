package restore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/imageio"
	"clusir/internal/infer/infertest"
	"clusir/internal/testnet"
)

// section wraps data for a Stream.
func section(data []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data)))
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return data
}

// streamed restores streams in one run.
func streamed(t testing.TB, r func(jobs func(func(Job) bool), done func(Result)) error, streams ...*Stream) (got []Result) {
	t.Helper()
	err := r(func(yield func(Job) bool) {
		for _, s := range streams {
			if !yield(Job{In: Std, Out: Std, Stream: s}) {
				return
			}
		}
	}, func(r Result) { got = append(got, r) })
	must(t, err)
	return got
}

// TestHandedOver: streams give the same results as files, byte for byte, with the
// choices of each.
func TestHandedOver(t *testing.T) {
	n, dir := stir(infertest.New(t, testnet.Small(), 1), 1), t.TempDir()
	var streams []*Stream
	var want [][]byte
	for i, c := range []struct {
		info imageio.Info
		Choices
	}{
		{imageio.Info{Format: imageio.PNG, W: 70, H: 50, Depth: 16, Alpha: true}, Choices{Strength: 1}},
		{imageio.Info{Format: imageio.JPEG, W: 64, H: 48}, Choices{Strength: 0.5, Encode: imageio.Options{Quality: 60}}},
		{imageio.Info{Format: imageio.PNG, W: 300, H: 200}, Choices{Strength: 1, Tile: 128}},
	} {
		in := save(t, dir, fmt.Sprint(i, c.info.Format.Ext()), c.info)
		out := filepath.Join(dir, "out"+c.info.Format.Ext())
		one(t, n, Job{In: in, Out: out, Format: c.info.Format}, Options{Choices: c.Choices})
		want = append(want, read(t, out))
		streams = append(streams, &Stream{Choices: c.Choices, Name: in, Input: section(read(t, in)), Output: &bytes.Buffer{}, Map: &bytes.Buffer{}})
	}
	savePages(t, filepath.Join(dir, "pages.tif"))
	one(t, n, Job{In: filepath.Join(dir, "pages.tif"), Out: filepath.Join(dir, "out.tif"), Format: imageio.TIFF}, Options{})
	want = append(want, read(t, filepath.Join(dir, "out.tif")))
	streams = append(streams, &Stream{Choices: Choices{Strength: 1}, Name: "pages", Input: section(read(t, filepath.Join(dir, "pages.tif"))), Output: &bytes.Buffer{}})

	got := streamed(t, func(jobs func(func(Job) bool), done func(Result)) error {
		_, err := Run(context.Background(), n, jobs, Options{Done: done})
		return err
	}, streams...)
	for i, r := range got {
		out := r.Stream.Output.(*bytes.Buffer)
		if r.Err != nil || !bytes.Equal(out.Bytes(), want[i]) {
			t.Errorf("%s: %v, %d bytes where the file has %d", r.Stream.Name, r.Err, out.Len(), len(want[i]))
		}
		if drawn, ok := r.Stream.Map.(*bytes.Buffer); ok && !bytes.HasPrefix(drawn.Bytes(), []byte("\x89PNG")) {
			t.Errorf("%s: no affinity map", r.Stream.Name)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d results of %d", len(got), len(want))
	}
}

// TestEarlierResult mixes a result with its picture without the network: the same as
// the network's own result would give, up to the rounding of stored values.
func TestEarlierResult(t *testing.T) {
	n, dir := stir(infertest.New(t, testnet.Small(), 1), 4), t.TempDir()
	for name, info := range map[string]imageio.Info{
		"whole.png": {W: 90, H: 60}, "tiles.png": {W: 300, H: 150, Alpha: true}, "deep.png": {W: 60, H: 60, Depth: 16}, "grey.png": {W: 60, H: 60, Grey: true},
	} {
		in := read(t, save(t, dir, name, info))
		mix := func(strength float32, restored *io.SectionReader) []byte {
			var out bytes.Buffer
			s := &Stream{Choices: Choices{Strength: strength, Tile: 128}, Name: name, Input: section(in), Output: &out, Restored: restored}
			got := streamed(t, func(jobs func(func(Job) bool), done func(Result)) error {
				passes := n.Tape().MACs
				_, err := Run(context.Background(), n, jobs, Options{Done: done})
				if ran := n.Tape().MACs > passes; ran != (restored == nil) {
					t.Errorf("%s: the network ran: %v", name, ran)
				}
				return err
			}, s)
			must(t, got[0].Err)
			return out.Bytes()
		}
		full := mix(1, nil)
		for _, strength := range []float32{0, 0.3, 1} {
			var pixels [2][]float32
			for i, data := range [][]byte{mix(strength, nil), mix(strength, section(full))} {
				path := filepath.Join(dir, "mixed.png")
				must(t, os.WriteFile(path, data, 0o644))
				_, pixels[i], _ = load(t, path)
			}
			if d := farthest(t, pixels[0], pixels[1]); d > 1.01/255 || strength == 1 && d > 0 {
				t.Errorf("%s at %g: off by %g levels", name, strength, 255*d)
			}
		}
	}
	other := section(read(t, save(t, dir, "other.png", imageio.Info{W: 10, H: 20})))
	s := &Stream{Choices: Choices{Strength: 1}, Name: "it", Input: section(read(t, filepath.Join(dir, "grey.png"))), Output: io.Discard, Restored: other}
	got := streamed(t, func(jobs func(func(Job) bool), done func(Result)) error {
		_, err := Run(context.Background(), n, jobs, Options{Done: done})
		return err
	}, s)
	if got[0].Err == nil || !strings.Contains(got[0].Err.Error(), "the restored picture of it is 10×20, but it is 60×60") {
		t.Errorf("another picture's result: %v", got[0].Err)
	}
}

// TestStreamsEndAlone: a picture whose owner is gone stops at once, whatever it waits
// for, and those before and after it continue.
func TestStreamsEndAlone(t *testing.T) {
	n, dir := infertest.New(t, testnet.Small(), 1), t.TempDir()
	in := read(t, save(t, dir, "in.png", imageio.Info{W: 600, H: 600}))
	gone := errors.New("its owner is gone")
	var streams []*Stream
	for i := range 5 {
		ctx, cancel := context.WithCancelCause(context.Background())
		t.Cleanup(func() { cancel(nil) })
		if i == 0 {
			cancel(gone) // before anything
		}
		out := io.Discard
		if i == 2 {
			out = writer(func([]byte) (int, error) { cancel(gone); return 1 << 30, nil }) // in the middle
		}
		streams = append(streams, &Stream{Choices: Choices{Strength: 1, Tile: 128}, Name: fmt.Sprint(i), Context: ctx, Input: section(in), Output: out})
	}
	got := streamed(t, func(jobs func(func(Job) bool), done func(Result)) error {
		_, err := Run(context.Background(), n, jobs, Options{Done: done})
		return err
	}, streams...)
	for i, r := range got {
		if stopped := errors.Is(r.Err, gone); stopped != (i == 0 || i == 2) || !stopped && r.Err != nil {
			t.Errorf("picture %d: %v", i, r.Err)
		}
	}
	if len(got) != len(streams) {
		t.Errorf("%d results of %d", len(got), len(streams))
	}
}
