package eval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"clusir/internal/atomicfile"
	"clusir/internal/infer"
	"clusir/internal/shard"
	"clusir/internal/tabular"
)

func TestResume(t *testing.T) {
	o := options(t)
	nets := openNano(t, 1, 2)
	want := mustRun(t, nets, o)

	o.Results = filepath.Join(t.TempDir(), "results.jsonl")
	ctx, cancel := context.WithCancel(context.Background())
	o.Progress = func(_ *ImageResult, n, _ int) {
		if n == 4 {
			cancel()
		}
	}
	if _, err := Run(ctx, nets, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	// An incomplete line, as a power failure leaves it.
	appendTo(t, o.Results, `{"index":4,"bench`)
	if _, err := Run(context.Background(), nets, o); err == nil || !strings.Contains(err.Error(), "--resume") {
		t.Errorf("a file that exists is overwritten: %v", err)
	}
	o.Resume = true
	var reported []string
	o.Progress = func(_ *ImageResult, n, of int) { reported = append(reported, fmt.Sprintf("%d/%d", n, of)) }
	if got := mustRun(t, nets, o); !reflect.DeepEqual(got, want) {
		t.Errorf("resumed: %+v, want %+v", got, want)
	}
	if len(reported) != 8 || reported[0] != "4/11" {
		t.Errorf("reported %v, want 4/11 to 11/11", reported)
	}
	merged, err := Merge(o.Results)
	if err != nil || !reflect.DeepEqual(untimed(merged), want) {
		t.Errorf("from the file: %+v, %v; want %+v", merged, err, want)
	}
}

// TestSaveMeanwhile: a picture that another run saves meanwhile is replaced only if it may
// be.
func TestSaveMeanwhile(t *testing.T) {
	nets := openNano(t, 1, 2)
	for _, overwrite := range []bool{false, true} {
		o := options(t)
		o.Save, o.Limit, o.Overwrite = t.TempDir(), 1, overwrite
		_, jobs, err := plan(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := nameFiles(o, jobs); err != nil {
			t.Fatal(err)
		}
		other := jobs[len(jobs)-1].saved
		o.Progress = func(_ *ImageResult, n, _ int) {
			if n > 0 {
				return
			}
			if err := errors.Join(atomicfile.MakeFolder(other), os.WriteFile(other, []byte("other"), 0o644)); err != nil {
				t.Error(err)
			}
		}
		_, err = Run(t.Context(), nets, o)
		text, readErr := os.ReadFile(other)
		if readErr != nil || overwrite != (err == nil) || overwrite == (string(text) == "other") {
			t.Errorf("overwrite %t: %v, %v, %q", overwrite, err, readErr, text)
		}
		if err != nil && !strings.Contains(err.Error(), other+" exists: choose another name") {
			t.Errorf("overwrite %t: %v", overwrite, err)
		}
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
		t.Errorf("the later of two lines for one image does not count: %v, %v", err, r.Failed())
	}
}

// TestResumeRemakesChangedImages replaces an image between two runs.
func TestResumeRemakesChangedImages(t *testing.T) {
	o := options(t)
	o.Results = filepath.Join(t.TempDir(), "r.jsonl")
	nets := openNano(t, 1, 1)
	before := mustRun(t, nets, o)
	for _, changed := range []string{"test/derain/Rain100L/input/rain-1.png", "test/derain/Rain100L/target/norain-0.png"} {
		wave(t, filepath.Join(o.Root, changed), 48, 32, 5, false)
	}
	if err := os.WriteFile(filepath.Join(o.Root, "test/derain/Rain100L/input/notes.txt"), nil, 0o644); err != nil { // no reason to refuse
		t.Fatal(err)
	}
	o.Resume = true
	var remade []int
	o.Progress = func(r *ImageResult, _, _ int) {
		if r != nil {
			remade = append(remade, r.Index)
		}
	}
	after := mustRun(t, nets, o)
	if fmt.Sprint(remade) != "[0 1]" || after.Images[0].Input == before.Images[0].Input || after.Images[1].Input == before.Images[1].Input {
		t.Errorf("images %v are measured again, with %+v", remade, after.Images[:2])
	}
}

func TestResumeRefusesOtherRuns(t *testing.T) {
	o := options(t)
	o.Results = filepath.Join(t.TempDir(), "r.jsonl")
	nets := openNano(t, 1, 1)
	mustRun(t, nets, o)
	o.Resume = true
	for want, change := range map[string]func(*Options){
		"other weights":                            func(o *Options) { o.Subject.Weights = "v" },
		"measured differently":                     func(o *Options) { o.Protocol.YChannel = true },
		"all images, not with --limit 9":           func(o *Options) { o.Limit = 9 },
		"with --ensemble":                          func(o *Options) { o.Subject.Ensemble = infer.Turns },
		"other benchmarks":                         func(o *Options) { o.Benchmarks = o.Benchmarks[:2] },
		"it is of the whole run, not of shard 1/2": func(o *Options) { o.Shard = shard.Shard{K: 1, N: 2} },
		"and this is cuda":                         func(o *Options) { o.Subject.Device = "cuda" },
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

// TestResumeSparesOtherFiles: files that are not results, including one without a
// complete line, are not changed.
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
		if resultsFormat.Is(o.Results) {
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

// TestResumeLocks starts a run on a file that another run is writing.
func TestResumeLocks(t *testing.T) {
	o := options(t)
	o.Results, o.Resume = filepath.Join(t.TempDir(), "r.jsonl"), true
	nets := openNano(t, 1, 1)
	mustRun(t, nets, o)
	f, err := os.Open(o.Results)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := atomicfile.Lock(f); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), nets, o); !errors.Is(err, atomicfile.ErrLocked) {
		t.Errorf("two runs write one file: %v", err)
	}
}

// TestResumeRepairsTheLastLine appends what a crash may leave to a run's lines: the
// image is measured again. The same inside the file is damage.
func TestResumeRepairsTheLastLine(t *testing.T) {
	o := options(t)
	o.Results = filepath.Join(t.TempDir(), "r.jsonl")
	nets := openNano(t, 1, 1)
	want := mustRun(t, nets, o)
	text, err := os.ReadFile(o.Results)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
	last, before := lines[len(lines)-1]+"\n", strings.Join(lines[:len(lines)-1], "")
	o.Resume = true
	for _, torn := range []string{last[:20], last[:20] + "\n", "\x00\x00\x00\x00", "\x00\x00\n", "\n", ""} {
		if err := os.WriteFile(o.Results, []byte(before+torn), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := Run(context.Background(), nets, o); err != nil || !reflect.DeepEqual(untimed(got), want) {
			t.Errorf("behind %q: %v", torn, err)
		}
		if got, err := Merge(o.Results); err != nil || !reflect.DeepEqual(untimed(got), want) {
			t.Errorf("behind %q, the file: %v", torn, err)
		}
	}
	if err := os.WriteFile(o.Results, []byte(before+last[:20]+"\n"+last), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), nets, o); err == nil || !strings.Contains(err.Error(), "line 12") {
		t.Errorf("damage within the file: %v", err)
	}
}

// sampleResults returns a results file of five images, one of which failed.
func sampleResults(t testing.TB) []byte {
	t.Helper()
	h := Header{
		Format: formatName, Subject: Subject{Model: "m", Weights: "w", Device: "cpu"}, Protocol: Protocol{Name: "promptir"},
		Setting: "five-task", Shard: shard.Shard{K: 1, N: 1}, Limit: 4, Missing: []string{"x"},
		Splits: []Split{
			{Benchmark: "cbsd68", Title: "C", Label: "σ=25", Task: "denoise", Key: "cbsd68-25", Expected: 68, Found: 3},
			{Benchmark: "lol", Title: "L", Task: "enhance", Key: "lol", Found: 2, Skipped: []string{"a"}, Names: "00"},
		},
	}
	lines := []any{h}
	for i := range 5 {
		r := ImageResult{Index: i, Benchmark: "cbsd68", Split: "σ=25", Image: fmt.Sprint("i", i), W: 16, H: 32, Input: Quality{20, 0.5},
			Output: Quality{math.Inf(1), 1}, MS: 12.5, Posterior: [][]float32{{0.5, 0.5}, {1}}, Experts: [][]float32{{0.5, 0, 0.25, 0.25}, {1, 0}}}
		if i > 2 {
			r.Benchmark, r.Split, r.Output = "lol", "", Quality{30, 0.9}
		}
		if i == 4 {
			r = ImageResult{Index: i, Benchmark: "lol", Image: "i4", Err: "x"}
		}
		lines = append(lines, r)
	}
	var file bytes.Buffer
	for _, v := range lines {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		file.Write(append(text, '\n'))
	}
	return file.Bytes()
}

// TestIncompleteResults: a row without a value is refused rather than counted as one of 0 dB.
func TestIncompleteResults(t *testing.T) {
	text := string(sampleResults(t))
	for old, want := range map[string]string{
		`"image":"i1",`:                    "line 3: not a file of results, or a damaged one: image 1 lacks its name",
		`"input":{"psnr":20,"ssim":0.5},`:  "line 2: not a file of results, or a damaged one: image 0 lacks its name",
		`"output":{"psnr":30,"ssim":0.9},`: "line 5: not a file of results, or a damaged one: image 3 lacks its name",
		`,"ssim":0.9`:                      "line 5: not a file of results, or a damaged one: a PSNR or an SSIM is missing",
		`"psnr":30,`:                       "line 5: not a file of results, or a damaged one: a PSNR or an SSIM is missing",
	} {
		file := filepath.Join(t.TempDir(), "r.jsonl")
		if err := os.WriteFile(file, []byte(strings.Replace(text, old, "", 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Merge(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: %v", old, err)
		}
	}
	h := reading{Header: Header{Shard: shard.Shard{K: 2, N: 2}, Splits: []Split{{Found: 2}}}}
	if err := h.take(2, []byte(`{"index":0,"error":"x"}`)); err == nil || !strings.Contains(err.Error(), "image 0 is not in shard 2/2") {
		t.Errorf("of another shard: %v", err)
	}
}

// useResults reads a results file and displays it in every way.
func useResults(text []byte) error {
	var h reading
	end, err := atomicfile.ReadLines(bytes.NewReader(text), h.take)
	if err == nil {
		err = sameShapes(h.rows)
	}
	if err != nil || end > int64(len(text)) {
		return errors.Join(err, errors.New("not read"))
	}
	whole, err := h.complete(h.rows, map[shard.Shard]string{h.Shard: "x"})
	if err != nil {
		return err
	}
	r := h.report(whole)
	for _, t := range []*tabular.Table{r.Table(), r.imageTable(), r.routingTable()} {
		for _, format := range tabular.Formats {
			if err := t.Write(io.Discard, format); err != nil {
				return err
			}
		}
	}
	for _, t := range paperTables {
		t.beside([]Ours{{Name: "x", Report: r}})
	}
	c, err := Compare(r, r, 1)
	if err != nil {
		return err
	}
	c.Table()
	c.imageTable(0)
	_, err = json.Marshal(r)
	return err
}

// TestDamagedResults changes every value of a results file in every way that JSON
// allows, and single bytes: the file is used or refused, without a panic.
func TestDamagedResults(t *testing.T) {
	text := sampleResults(t)
	if err := useResults(text); err != nil {
		t.Fatal(err)
	}
	values := []string{"null", "0", "-1", "3", "1e300", "-1e300", "99999999999", "2.5", `""`, `"x"`, `"inf"`, "[]", "[[]]", "[null]", "[[1,2,3]]", "[[],[]]", "{}", "true"}
	used, refused := 0, 0
	check := func(text []byte) {
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("%s: %v", text, p)
			}
		}()
		if useResults(text) == nil {
			used++
		} else {
			refused++
		}
	}
	value := regexp.MustCompile(`(?:"[^"]*"|[-0-9.e]+|\[\[.*?\]\]|true|false)`)
	for _, at := range value.FindAllIndex(text, -1) {
		for _, v := range values {
			check(slices.Concat(text[:at[0]], []byte(v), text[at[1]:]))
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		damaged := slices.Clone(text)
		damaged[rng.IntN(len(damaged))] = `0123456789[]{},:"-e. x`[rng.IntN(22)]
		check(damaged)
	}
	if used < 100 || refused < 1000 {
		t.Errorf("%d are used and %d refused: the changes no longer meet the values", used, refused)
	}
}

// FuzzResults feeds the reader of results files with variants of what the writer
// writes, and displays everything that the reader accepts.
func FuzzResults(f *testing.F) {
	text := sampleResults(f)
	f.Add(text)
	f.Add(text[:len(text)-5])
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) < 1<<16 {
			_ = useResults(text) // acceptance is another test's business
		}
	})
}
