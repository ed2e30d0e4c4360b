package eval

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/dataset"
)

// written returns the number of pictures in a manifest.
func written(m *Manifest) (n int) {
	for _, p := range m.Parts {
		n += len(p.Inputs)
	}
	return n
}

func mustDegrade(t testing.TB, o Options) *Manifest {
	t.Helper()
	m, err := Degrade(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// TestDegradeRoundTrip: the written pictures, measured as another program's, are the
// inputs, to the bit.
func TestDegradeRoundTrip(t *testing.T) {
	o := options(t)
	o.Protocol.Seed, o.Save = 5, filepath.Join(t.TempDir(), "inputs")
	m := mustDegrade(t, o)
	if written(m) != 11 || m.failed() != nil || len(m.Missing) != 1 {
		t.Errorf("%d pictures, %v, missing %q", written(m), m.failed(), m.Missing)
	}
	dir := o.Save
	o.Save = ""
	r := mustMeasure(t, o, "inputs", dir)
	if err := r.Failed(); err != nil {
		t.Fatal(err)
	}
	for _, i := range r.Images {
		if i.Input != i.Output {
			t.Errorf("%s: %+v read, %+v made", i.name(), i.Output, i.Input)
		}
	}
	o.Protocol.Seed = 6
	if other := mustMeasure(t, o, "inputs", dir); other.Splits[1].Input == other.Splits[1].Output || other.Splits[0].Input != other.Splits[0].Output {
		t.Error("another seed gives the same noise, or different rain")
	}
}

// TestManifest compares a manifest's hashes with the files and with those of another
// run.
func TestManifest(t *testing.T) {
	o := options(t)
	o.Save = t.TempDir()
	m := mustDegrade(t, o)
	for _, p := range m.Parts {
		for _, in := range p.Inputs {
			path := filepath.Join(o.Save, p.Folder, in.File)
			file, err := os.ReadFile(path)
			if err != nil || sumOf(file) != in.SHA256 {
				t.Errorf("%s: %v, the file's sum is %s, not %s", path, err, sumOf(file), in.SHA256)
			}
			picture, err := dataset.ReadImage(path)
			if err != nil || picture.W != in.W || picture.H != in.H || sumOf(picture.Pix) != in.Pixels || in.Clean == in.Pixels {
				t.Errorf("%s: %v, %+v", path, err, in)
			}
			if noise := strings.HasPrefix(p.Folder, "cbsd68"); noise != strings.Contains(in.Made, "truncated") {
				t.Errorf("%s is made as %q", path, in.Made)
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(o.Save, ManifestName))
	var back Manifest
	if err != nil || json.Unmarshal(text, &back) != nil || written(&back) != 11 {
		t.Errorf("the file: %v\n%s", err, text)
	}
	if _, err := Degrade(context.Background(), o); err == nil || !strings.Contains(err.Error(), "--overwrite") {
		t.Errorf("a second time: %v", err)
	}
	o.Overwrite = true
	mustDegrade(t, o)
	if again, err := os.ReadFile(filepath.Join(o.Save, ManifestName)); err != nil || !bytes.Equal(again, text) {
		t.Errorf("another run writes a different manifest: %v", err)
	}
}

// TestDegradeGoesOn: a picture that cannot be read is reported, and the others are
// written.
func TestDegradeGoesOn(t *testing.T) {
	o := options(t)
	o.Save = t.TempDir()
	if err := os.WriteFile(filepath.Join(o.Root, "test/denoise/bsd68/1.png"), []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	m := mustDegrade(t, o)
	if err := m.failed(); err == nil || !strings.Contains(err.Error(), "3 of 11 pictures could not be made; the first: cbsd68 σ=15 1: ") {
		t.Errorf("%v", err)
	}
	if written(m) != 8 || len(m.Parts[1].Inputs) != 2 {
		t.Errorf("%d pictures", written(m))
	}
}

// TestFolderBenchmark degrades a folder by each kind, and measures the result.
func TestFolderBenchmark(t *testing.T) {
	o := options(t)
	folder := filepath.Join(o.Root, "test/denoise/bsd68")
	for _, kind := range append(dataset.MakeableKinds(), "derain", "Low light") {
		var sigmas []float64
		if kind == "noise" {
			sigmas = []float64{10, 12.5}
		}
		b, err := dataset.FolderBenchmark(folder, kind, sigmas)
		if err != nil {
			t.Fatal(err)
		}
		own := Options{Root: "/nowhere", Benchmarks: []*dataset.Benchmark{b}, Protocol: o.Protocol, Save: filepath.Join(t.TempDir(), "d")}
		m := mustDegrade(t, own)
		if m.failed() != nil || written(m) != 3*max(len(sigmas), 1) || m.Parts[0].Inputs[0].Made == "" || m.Parts[0].Inputs[0].Pixels == m.Parts[0].Inputs[0].Clean {
			t.Errorf("%s: %+v", kind, m)
		}
		dir := own.Save
		own.Save = ""
		for _, i := range mustMeasure(t, own, "m", dir).Images {
			if i.Err != "" || i.Input != i.Output {
				t.Errorf("%s: %+v", kind, i)
			}
		}
	}
	for _, c := range []struct {
		kind   string
		sigmas []float64
		want   string
	}{{"fog", nil, `"fog"`}, {"noise", nil, "levels"}, {"rain", []float64{5}, "no levels"}, {"noise", []float64{300}, "from 0 to 255"}, {"", nil, "there is no kind"}} {
		if _, err := dataset.FolderBenchmark(folder, c.kind, c.sigmas); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: %v, want %q", c.kind, c.sigmas, err, c.want)
		}
	}
}

// TestNamesOfManyImages: naming a picture's file takes as long in a large folder as in a
// small one.
func TestNamesOfManyImages(t *testing.T) {
	b := &dataset.Benchmark{Name: "own", Clean: []string{"."}, Sigmas: []float64{25}}
	allocations := func(n int) float64 {
		s := &dataset.Split{Benchmark: b, Label: "σ=25"}
		var jobs []job
		for k := range n {
			s.Items = append(s.Items, dataset.Item{Name: fmt.Sprint(k)})
			jobs = append(jobs, job{split: s, item: s.Items[k]})
		}
		o := Options{Save: filepath.Join(t.TempDir(), "out"), Root: filepath.Join(t.TempDir(), "data")}
		return testing.AllocsPerRun(1, func() {
			if err := nameFiles(o, jobs); err != nil || jobs[n-1].saved != filepath.Join(o.Save, "own-25", fmt.Sprint(n-1)+".png") {
				t.Errorf("%q: %v", jobs[n-1].saved, err)
			}
		}) / float64(n)
	}
	same := []job{{split: &dataset.Split{Benchmark: b}, item: dataset.Item{Name: "a"}}, {split: &dataset.Split{Benchmark: b}, item: dataset.Item{Name: "A"}}}
	if err := nameFiles(Options{Save: t.TempDir(), Root: t.TempDir()}, same); err == nil || !strings.Contains(err.Error(), "two pictures would be ") {
		t.Errorf("names that differ in case: %v", err)
	}
	if few, many := allocations(100), allocations(1000); many > 2*few {
		t.Errorf("%.0f allocations for each of 1000 pictures, %.0f for each of 100", many, few)
	}
}
