package restore

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/shard"
)

// planned returns the plan for a shard of a folder of n empty files.
func planned(t *testing.T, n int, s shard.Shard) *Plan {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.png", i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, err := Request{Inputs: []string{dir}, Output: filepath.Join(t.TempDir(), "out"), Shard: s}.Plan()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestShardsOfAPlan: every picture is in exactly one shard, and all shards know the
// whole.
func TestShardsOfAPlan(t *testing.T) {
	whole := planned(t, 40, shard.Shard{})
	seen := map[string]int{}
	for k := range 3 {
		p := planned(t, 40, shard.Shard{K: k + 1, N: 3})
		for _, j := range p.Jobs {
			seen[j.name]++
		}
		if h, all := p.header("m", "d"), whole.header("m", "d"); h.Names != all.Names || h.Pictures != 40 || h.Part != len(p.Jobs) || len(p.Jobs) == 40 {
			t.Errorf("shard %d: %+v, all %+v", k+1, h, all)
		}
	}
	for _, j := range whole.Jobs {
		if seen[j.name] != 1 {
			t.Errorf("%s is in %d shards", j.name, seen[j.name])
		}
	}
}

// results writes a record for each picture of a plan.
func results(t *testing.T, path string, p *Plan, record func(i int, j Job) Record) {
	t.Helper()
	f, err := createResults(path, p.header("nano", "cpu"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.file.Close()
	for i, j := range p.Jobs {
		if err := f.add(record(i, j)); err != nil {
			t.Fatal(err)
		}
	}
}

// records writes the results of a plan, in which picture number fails fails.
func records(t *testing.T, path string, p *Plan, fails int) {
	t.Helper()
	results(t, path, p, func(i int, j Job) Record {
		r := Result{Job: j, W: 10, H: 20}
		if i == fails {
			r.Err = fmt.Errorf("cannot read %s", j.name)
		}
		return r.Record("nano", "cpu")
	})
}

func TestMergeResults(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for k := range 2 {
		files = append(files, filepath.Join(dir, fmt.Sprint(k)))
		records(t, files[k], planned(t, 20, shard.Shard{K: k + 1, N: 2}), k-1)
	}
	m, err := MergeResults(files...)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Records) != 20 || m.Parts[0].Restored+m.Parts[1].Restored != 19 || m.Parts[1].Failed != 1 || m.Parts[0].Pixels != 200*int64(m.Parts[0].Restored) {
		t.Errorf("%+v", m)
	}
	if err := m.Failed(); err == nil || !strings.Contains(err.Error(), "1 of 20 pictures could not be restored; the first: cannot read") {
		t.Error(err)
	}
	if !IsResults(files[0]) || IsResults(filepath.Join(dir, "absent")) {
		t.Error("a file of results is not known as one")
	}
	other := filepath.Join(dir, "other")
	records(t, other, planned(t, 21, shard.Shard{K: 2, N: 2}), -1)
	third := filepath.Join(dir, "third")
	records(t, third, planned(t, 20, shard.Shard{K: 2, N: 3}), -1)
	tiny := filepath.Join(dir, "tiny")
	text, err := os.ReadFile(files[1])
	must(t, err)
	must(t, os.WriteFile(tiny, bytes.Replace(text, []byte(`"model":"`), []byte(`"model":"tiny`), 1), 0o644))
	later := filepath.Join(dir, "later") // of a later version
	if err := os.WriteFile(later, []byte(`{"format":"clusir-restore-9"}`+"\n"), 0o644); err != nil || !IsResults(later) {
		t.Errorf("%v, and it is not known as results of restore", err)
	}
	for want, paths := range map[string][]string{
		"shard 2/2 are not among": files[:1], "of one shard": {files[0], files[0]}, "of other pictures": {files[0], other}, "or of another model": {files[0], tiny}, "it is of shard 2/3, the other of shard 1/2": {files[0], third},
		`its format is "clusir-restore-9", not "clusir-restore-1"`: {later},
		"no such file": {filepath.Join(dir, "absent")},
	} {
		if _, err := MergeResults(paths...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", paths, err, want)
		}
	}
}

// TestTimes: times have at most microseconds, and no digits of binary fractions.
func TestTimes(t *testing.T) {
	p := planned(t, 3, shard.Shard{})
	path := filepath.Join(t.TempDir(), "r")
	results(t, path, p, func(_ int, j Job) Record {
		r := Result{Job: j, Load: 999499, Compute: 60657712, Save: 1234567891}.Record("nano", "cpu")
		if r.Load != .999 || r.Compute != 60.657 || r.Save != 1234.567 {
			t.Errorf("%v %v %v ms", r.Load, r.Compute, r.Save)
		}
		return r
	})
	m, err := MergeResults(path)
	if err != nil || m.Parts[0].Seconds != .181971 {
		t.Errorf("%v: %v s", err, m.Parts[0].Seconds)
	}
}

// TestResultsOfAnything: names of any bytes and a routing without numbers do not keep a record,
// or those after it, out of the file.
func TestResultsOfAnything(t *testing.T) {
	p := planned(t, 2, shard.Shard{})
	path := filepath.Join(t.TempDir(), "r")
	results(t, path, p, func(_ int, j Job) Record {
		r := Result{Job: j, Routing: []StageRouting{{Posterior: []float32{float32(math.NaN())}}}}
		r.Out = "out\xff.png"
		return r.Record("nano", "cpu")
	})
	m, err := MergeResults(path)
	if err != nil || m.Parts[0].Restored != 2 {
		t.Fatalf("%v: %+v", err, m)
	}
	for _, r := range m.Records {
		if r.Output != `out\xff.png` || r.Routing != nil || len(r.Notes) != 1 {
			t.Errorf("%+v", r)
		}
	}
}

// TestResultsGoOn: a run that was interrupted in the middle of a line continues;
// pictures restored before keep their records when skipped.
func TestResultsGoOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	p := planned(t, 5, shard.Shard{})
	records(t, path, p, 4)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	if err := os.WriteFile(path, []byte(strings.Join(lines[:4], "")+lines[4][:20]), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := MergeResults(path); err == nil || !strings.Contains(err.Error(), "3 of 5 pictures") {
		t.Errorf("merged as it is: %v", err)
	}
	if _, err := createResults(path, p.header("nano", "cpu"), false); err == nil || !strings.Contains(err.Error(), "--skip-existing") {
		t.Errorf("begun anew: %v", err)
	}
	if _, err := createResults(path, p.header("base", "cpu"), true); err == nil || !strings.Contains(err.Error(), "model nano") {
		t.Errorf("another model: %v", err)
	}
	if _, err := createResults(path, planned(t, 6, shard.Shard{}).header("nano", "cpu"), true); err == nil || !strings.Contains(err.Error(), "other pictures") {
		t.Errorf("other pictures: %v", err)
	}
	part := p.header("nano", "cpu")
	part.Shard = shard.Shard{K: 1, N: 2}
	if _, err := createResults(path, part, true); err == nil || !strings.Contains(err.Error(), "of another shard") {
		t.Errorf("another shard: %v", err)
	}
	f, err := createResults(path, p.header("nano", "cpu"), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range p.Jobs {
		if err := f.add(Record{Name: j.name, Skipped: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.file.Close(); err != nil {
		t.Fatal(err)
	}
	m, err := MergeResults(path)
	if err != nil || m.Parts[0].Restored != 3 || m.Parts[0].Skipped != 2 {
		t.Errorf("%+v, %v", m, err)
	}
	// A result may exist although there was an error, of the disk say: then it counts
	// as restored.
	path += "2"
	records(t, path, p, 4)
	if f, err = createResults(path, p.header("nano", "cpu"), true); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.add(Record{Name: p.Jobs[4].name, Skipped: true}), f.file.Close()); err != nil {
		t.Fatal(err)
	}
	if m, err = MergeResults(path); err != nil || m.Parts[0].Failed != 0 || m.Parts[0].Skipped != 1 {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestResultsTornFirstLine: a run that was killed while it wrote the first line starts
// over, and other files are not touched.
func TestResultsTornFirstLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	h := planned(t, 2, shard.Shard{}).header("nano", "cpu")
	for text, want := range map[string]string{
		"": "", "{": "", `{"format":"clusir-restore-1","model":"na`: "", "notes": "not a file of results", "{}": "not a file of results", "notes\n": "not a file of results",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := createResults(path, h, true)
		if want != "" {
			if got, _ := os.ReadFile(path); err == nil || !strings.Contains(err.Error(), want) || string(got) != text {
				t.Errorf("%q: %v, want %q; it holds %q", text, err, want, got)
			}
			continue
		}
		if err == nil {
			err = f.file.Close()
		}
		if got, _ := os.ReadFile(path); err != nil || strings.Count(string(got), "\n") != 1 || !IsResults(path) {
			t.Errorf("%q: %v, it holds %q", text, err, got)
		}
	}
}

func TestDamagedResults(t *testing.T) {
	dir := t.TempDir()
	good := `{"format":"clusir-restore-1","model":"m","device":"d","pictures":1,"part":1,"names":"x"}` + "\n"
	for text, want := range map[string]string{
		"":                 "not a file of results",
		"hello\n":          "not a file of results",
		"{}\n":             "not a file of results",
		good + "{}\n":      "line 2",
		good + "hey\n":     "is not finished", // an interrupted write
		good + "hey\n{}\n": "line 2",
		good[:20]:          "not a file of results",
		`{"format":"clusir-restore-1","part":2,"pictures":1}` + "\n": "not a file of results",
	} {
		path := filepath.Join(dir, "r")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := MergeResults(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
