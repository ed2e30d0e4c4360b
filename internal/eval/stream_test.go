package eval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestResume(t *testing.T) {
	o := options(t)
	nets := openNano(t, 1, 2)
	want := mustRun(t, nets, o)

	o.Results = filepath.Join(t.TempDir(), "results.jsonl")
	ctx, cancel := context.WithCancel(context.Background())
	o.Image = func(_ ImageResult, n, _ int) {
		if n == 4 {
			cancel()
		}
	}
	if _, err := Run(ctx, nets, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	// A line that was cut off in its middle, as a power failure leaves it.
	appendTo(t, o.Results, `{"index":4,"bench`)
	if _, err := Run(context.Background(), nets, o); err == nil || !strings.Contains(err.Error(), "--resume") {
		t.Errorf("a file that exists is overwritten: %v", err)
	}
	o.Resume = true
	var told []string
	o.Image = func(_ ImageResult, n, of int) { told = append(told, fmt.Sprintf("%d/%d", n, of)) }
	if got := mustRun(t, nets, o); !reflect.DeepEqual(got, want) {
		t.Errorf("resumed: %+v, want %+v", got, want)
	}
	if len(told) != 7 || told[0] != "5/11" {
		t.Errorf("told of %v, want 5/11 to 11/11", told)
	}
	merged, err := Merge(o.Results)
	if err != nil || !reflect.DeepEqual(untimed(merged), want) {
		t.Errorf("from the file: %+v, %v; want %+v", merged, err, want)
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// TestResumeTriesFailuresAgain repairs an image between two runs.
func TestResumeTriesFailuresAgain(t *testing.T) {
	o := options(t)
	o.Results = filepath.Join(t.TempDir(), "r.jsonl")
	rain := filepath.Join(o.Root, "test/derain/Rain100L/input/rain-1.png")
	whole, err := os.ReadFile(rain)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rain, whole[:len(whole)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	nets := openNano(t, 1, 1)
	if r := mustRun(t, nets, o); r.Failed() == nil {
		t.Fatal("half a picture is measured")
	}
	if err := os.WriteFile(rain, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	o.Resume = true
	if r := mustRun(t, nets, o); r.Failed() != nil {
		t.Error(r.Failed())
	}
	if r, err := Merge(o.Results); err != nil || r.Failed() != nil {
		t.Errorf("of two lines for one image the later does not count: %v, %v", err, r.Failed())
	}
}

func TestResumeRefusesOtherRuns(t *testing.T) {
	o := options(t)
	o.Results = filepath.Join(t.TempDir(), "r.jsonl")
	nets := openNano(t, 1, 1)
	mustRun(t, nets, o)
	o.Resume = true
	for want, change := range map[string]func(*Options){
		"other weights":      func(o *Options) { o.Subject.Weights = "v" },
		"measured otherwise": func(o *Options) { o.Protocol.YChannel = true },
		"other benchmarks":   func(o *Options) { o.Benchmarks = o.Benchmarks[:2] },
		"shard":              func(o *Options) { o.Shard = Shard{1, 2} },
		"and this is cuda":   func(o *Options) { o.Subject.Device = "cuda" },
		`was "1" and is "2" now`: func(o *Options) {
			o.Root, _ = makeData(t)
			dir := filepath.Join(o.Root, "test/denoise/bsd68")
			if err := os.Rename(filepath.Join(dir, "1.png"), filepath.Join(dir, "7.png")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		other := o
		change(&other)
		if _, err := Run(context.Background(), nets, other); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one that says %q", err, want)
		}
	}
}

// TestResumeSparesOtherFiles names files that are none of results, one without
// a whole line: they stay as they are.
func TestResumeSparesOtherFiles(t *testing.T) {
	o := options(t)
	o.Resume = true
	for _, text := range []string{"my notes", "my notes\n", "{}", `{"format":"something"}`} {
		o.Results = filepath.Join(t.TempDir(), "notes")
		if err := os.WriteFile(o.Results, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Run(context.Background(), openNano(t, 1, 1), o)
		if err == nil || !strings.Contains(err.Error(), "not a file of results") {
			t.Errorf("%q: error is %v", text, err)
		}
		if left, err := os.ReadFile(o.Results); err != nil || string(left) != text {
			t.Errorf("%q has become %q, %v", text, left, err)
		}
		if IsResults(o.Results) {
			t.Errorf("%q is one of results", text)
		}
	}
}

func TestQualityJSON(t *testing.T) {
	for want, q := range map[string]Quality{
		`{"psnr":31.25,"ssim":0.5}`: {31.25, 0.5},
		`{"psnr":"inf","ssim":1}`:   {math.Inf(1), 1},
	} {
		text, err := json.Marshal(q)
		var back Quality
		if err != nil || string(text) != want || json.Unmarshal(text, &back) != nil || back != q {
			t.Errorf("%v is %s, %v, and comes back as %v", q, text, err, back)
		}
	}
	for _, bad := range []string{`{"psnr":"much","ssim":1}`, `{"ssim":1}`, `{"psnr":1,"ssim":"x"}`} {
		if err := json.Unmarshal([]byte(bad), &Quality{}); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

// FuzzResults holds the reader of results files to what the writer writes.
func FuzzResults(f *testing.F) {
	h := Header{Format: formatName, Splits: []Split{{Benchmark: "b", Found: 2}}, Shard: Shard{1, 2}}
	var file bytes.Buffer
	for _, v := range []any{h, ImageResult{Index: 0, Image: "a", Output: Quality{math.Inf(1), 1}, Experts: [][]float32{{1, 0}}}, ImageResult{Index: 1, Err: "x"}} {
		text, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		file.Write(append(text, '\n'))
	}
	f.Add(file.Bytes())
	f.Add(file.Bytes()[:file.Len()-5])
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, rows, end, err := readResults(bytes.NewReader(text))
		if err != nil {
			return
		}
		if end > int64(len(text)) {
			t.Fatalf("the lines end at %d of %d", end, len(text))
		}
		if whole, err := h.complete(rows, map[Shard]string{h.Shard: "x"}); err == nil {
			h.report(whole)
		}
	})
}
