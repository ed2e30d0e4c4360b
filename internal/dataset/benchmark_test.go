package dataset

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/sharedtest"
)

func psnr(a, b *Image) float64 {
	sum := 0.
	for i := range a.Pix {
		d := float64(a.Pix[i]) - float64(b.Pix[i])
		sum += d * d
	}
	return -10 * math.Log10(sum/float64(len(a.Pix))/255/255)
}

func resolve(t *testing.T, names string) []*Benchmark {
	t.Helper()
	b, err := Standard().Resolve(names)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The mean PSNR of the noisy inputs is a known constant (for CBSD68; for the Kodak
// images on disk, it was measured here): not clipping, or rounding where the field
// truncates, would change it.
func TestNoiseBenchmarkInputs(t *testing.T) {
	root := sharedtest.Shared(t, "data")
	want := map[string][3]float64{"cbsd68": {24.9, 20.6, 15.1}, "kodak24": {24.7, 20.4, 14.8}}
	counts := map[string]string{"cbsd68": "68", "kodak24": "12 of 24"}
	for _, b := range resolve(t, "cbsd68,kodak24") {
		splits, err := b.Open(root)
		if err != nil {
			t.Fatal(err)
		}
		if len(splits) != 3 || splits[0].Label != "σ=15" || splits[2].Sigma != 50 {
			t.Fatalf("%s has splits %+v, want σ 15, 25, 50", b.Name, splits)
		}
		for i, s := range splits {
			if s.Count() != counts[b.Name] {
				t.Errorf("%s counts %q, want %q", b.Name, s.Count(), counts[b.Name])
			}
			mean := 0.
			for _, item := range s.Items {
				d, err := item.Load(0)
				if err != nil {
					t.Fatal(err)
				}
				in, target := d.Input, d.Target
				if in.W%16+in.H%16 != 0 || in.W != target.W || in.H != target.H {
					t.Fatalf("%s: %d×%d and %d×%d", item.Name, in.W, in.H, target.W, target.H)
				}
				mean += psnr(in, target) / float64(len(s.Items))
			}
			if math.Abs(mean-want[b.Name][i]) > .1 {
				t.Errorf("%s %s: input PSNR %.2f, want %.1f", b.Name, s.Label, mean, want[b.Name][i])
			}
		}
	}
}

func TestNoiseDependsOnSeedNameAndSigma(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 37, 50, "test/denoise/bsd68/b.png", "test/denoise/bsd68/a.png")
	splits, err := resolve(t, "cbsd68")[0].Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	items := splits[0].Items
	if len(items) != 2 || items[0].Name != "a" || splits[0].Count() != "2 of 68" {
		t.Fatalf("items %+v, want a and b of 68", items)
	}
	load := func(i Item, seed uint64) []uint8 {
		d, err := i.Load(seed)
		if err != nil {
			t.Fatal(err)
		}
		return d.Input.Pix
	}
	if !slices.Equal(load(items[0], 1), load(items[0], 1)) {
		t.Error("the same seed gives different noise")
	}
	if slices.Equal(load(items[0], 1), load(items[0], 2)) {
		t.Error("another seed gives the same noise")
	}
	renamed := items[0]
	renamed.Name = "c"
	if slices.Equal(load(items[0], 1), load(renamed, 1)) {
		t.Error("another name gives the same noise")
	}
	clean, err := ReadImage(items[0].Target)
	if err != nil {
		t.Fatal(err)
	}
	clean, alike := clean.CropToMultiple(sideMultiple), 0
	louder := load(splits[1].Items[0], 1)
	for i, v := range load(items[0], 1) {
		if v < clean.Pix[i] == (louder[i] < clean.Pix[i]) {
			alike++
		}
	}
	if alike > len(louder)*3/4 {
		t.Error("another level gives the same noise, only louder")
	}
}

// TestFindRestored: names of a benchmark that differ only in case are not mixed up, and those
// of two images stand for neither.
func TestFindRestored(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 16, 16, "a.png", "b.png", "C.png")
	files, faults, err := FindRestored(dir, []Item{{Name: "A"}, {Name: "a"}, {Name: "b"}, {Name: "b"}, {Name: "c"}})
	if err != nil || !slices.Equal(files, []string{"", filepath.Join(dir, "a.png"), "", "", filepath.Join(dir, "C.png")}) {
		t.Errorf("%q, %v", files, err)
	}
	for i, want := range []string{"there is no picture", "", "cannot be told apart", "cannot be told apart", ""} {
		if got := fmt.Sprint(faults[i]); !strings.Contains(got, want) || (want == "") != (faults[i] == nil) {
			t.Errorf("fault %d: %s, want %q", i, got, want)
		}
	}
}

// The number of images in a folder depends on the copy of the data; how degraded they
// are does not: the PSNR of the complete sets is known, and that of a part is close to
// it.
func TestPairBenchmarks(t *testing.T) {
	root := sharedtest.Shared(t, "data")
	wholeSet := map[string]struct{ psnr, within float64 }{
		"rain100l": {25.5, 1.5}, "lol": {7.8, 1}, "sots": {15, 2}, "gopro": {24.5, 2.5},
	}
	for _, b := range resolve(t, "rain100l,lol,sots,gopro") {
		splits, err := b.Open(root)
		if err != nil {
			t.Fatal(err)
		}
		s, mean := splits[0], 0.
		inputs, err := os.ReadDir(filepath.Join(root, b.Input[0]))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Items) == 0 || len(s.Items) != len(inputs) {
			t.Errorf("%s: %d images of the %d in %s", b.Name, len(s.Items), len(inputs), b.Input[0])
			continue
		}
		for _, item := range s.Items {
			d, err := item.Load(0)
			if err != nil {
				t.Fatal(err)
			}
			mean += psnr(d.Input, d.Target) / float64(len(s.Items))
		}
		if want := wholeSet[b.Name]; math.Abs(mean-want.psnr) > want.within {
			t.Errorf("%s: %s images of %.2f dB, want %.1f ± %.1f", b.Name, s.Count(), mean, want.psnr, want.within)
		}
	}
}

func TestCompositionsAreSplits(t *testing.T) {
	dir := t.TempDir()
	b := resolve(t, "composite")[0]
	files := []string{"CDD-11_test/clear/1.png"}
	for _, k := range b.Kinds {
		files = append(files, "CDD-11_test/"+k+"/1.png")
	}
	writeImages(t, dir, 16, 16, files...)
	splits, err := b.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(splits) != 11 || splits[4].Label != "low_haze" || splits[4].Items[0].Input != filepath.Join(dir, "CDD-11_test/low_haze/1.png") {
		t.Errorf("cdd11 has splits %+v", splits)
	}
	if err := os.RemoveAll(filepath.Join(dir, "CDD-11_test/rain")); err != nil {
		t.Fatal(err)
	}
	if splits, err = b.Open(dir); err != nil || len(splits) != 11 || splits[2].Count() != "0 of 200" || splits[3].Count() != "1 of 200" {
		t.Errorf("without one composition: %v", err)
	}
}

func TestMissingBenchmarkSaysWhereToGetIt(t *testing.T) {
	for _, b := range resolve(t, "three-task,five-task,denoise,composite,cbsd68") {
		_, err := b.Open(t.TempDir())
		var missing *MissingError
		if !errors.As(err, &missing) || b.Get == "" || !strings.Contains(err.Error(), b.Get) {
			t.Errorf("%s: error is %v, want where it comes from", b.Name, err)
		}
	}
}

func TestCatalog(t *testing.T) {
	names := func(bs []*Benchmark) (out []string) {
		for _, b := range bs {
			out = append(out, b.Name)
		}
		return out
	}
	c := Standard()
	got, err := c.Resolve("three-task, CBSD68,lol")
	if err != nil || !slices.Equal(names(got), []string{"sots", "rain100l", "cbsd68", "lol"}) {
		t.Errorf("resolved %v, %v", names(got), err)
	}
	if _, err := c.Resolve("bsd"); err == nil || !strings.Contains(err.Error(), "cbsd68") {
		t.Errorf("an unknown name gives %v, want the names to choose among", err)
	}
	file := filepath.Join(t.TempDir(), "own.yaml")
	writeText(t, file, "Mine: {task: derain, input: photos/rainy, target: photos/clean}\n")
	if err := c.AddFile(file); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeImages(t, dir, 16, 16, "photos/rainy/a.png", "photos/clean/a.jpg")
	own, err := c.Resolve("mine")
	if err != nil {
		t.Fatal(err)
	}
	if !own[0].Own || got[0].Own {
		t.Errorf("%s is the user's own: %v; %s: %v", own[0].Name, own[0].Own, got[0].Name, got[0].Own)
	}
	splits, err := own[0].Open(dir)
	if err != nil || splits[0].Count() != "1" {
		t.Errorf("a folder of one's own gives %+v, %v", splits, err)
	}
	for text, want := range map[string]string{
		"m: {inputs: a}":                                        `there is no field inputs: did you mean "input"?`,
		"m: {input: a}":                                         "needs input and target",
		"m: {input: a, target: b, match: x}":                    `no match "x": choose among same, rain, haze`,
		"m: {clean: a}":                                         "noise levels",
		"m: {sigmas: [1]}":                                      "clean",
		"m: {task: denoize, clean: a, sigmas: [1]}":             `no task "denoize": did you mean "denoise"?`,
		"m: {clean: a, sigmas: [-1]}":                           "from 0 to 255",
		"m: {clean: a, sigmas: [.nan]}":                         "from 0 to 255",
		"m: {clean: a, sigmas: [5, 5]}":                         "different ones",
		"m: {clean: a, sigmas: [015, 25]}":                      "line 1: m.sigmas[0]: 015 could be octal",
		"m: {clean: a, sigmas: much}":                           "line 1: m.sigmas must be a list, e.g. [much]",
		"m: {clean: a, sigmas: [x]}":                            "m.sigmas[0]: must be a number",
		"m: {clean: {a: b}, sigmas: [1]}":                       "m.clean must be a list, e.g. [a, b]",
		"m: {input: a, target: b, expected: x}":                 "m.expected: must be a whole number",
		"m: {input: a, target: b, expected: 1.5}":               "line 1: m.expected: must be a whole number",
		"benchmarks: {m: {input: a, target: b, expected: 1e1}}": "line 1: benchmarks.m.expected: must be a whole number",
		"m: {input: a, target: b, expected: -1}":                "expected is -1",
		"m: {input: a, input: b}":                               "line 1: m.input is set a second time",
		"m: {input: 'a/{kind}', target: b, kinds: [x, x]}":      "different names",
		"m: {input: 'a/{kind}', target: b, kinds: [../../x]}":   `kind "../../x" leads out of its folder`,
		"m: 5":                                "m must be a block of keys",
		"a b: {input: a, target: b}":          "no comma",
		"m:":                                  "is empty",
		"benchmarks: {}\ngroups: {g: [none]}": `no benchmark "none"`,
		"benchmarks: {m: {input: a, target: b}}\ngrups: {}\n": `no field grups: did you mean "groups"?`,
		"- a":                              "line 1: the text must be a block of keys",
		"five-task: {input: a, target: b}": "also the name of a group",
		"benchmarks: {}\ngroups: {cbsd68: [lol]}":                 "a benchmark has this name",
		"benchmarks: {}\ngroups: {g: []}":                         "group g is empty",
		"m: {input: a, target: b}\nM: {input: b, target: a}":      "benchmark m is described twice",
		"m: {input: a, target: b, clean: c, sigmas: [1]}":         "leave out either",
		"'': {input: a, target: b}":                               "a name is not empty",
		"\"a\\tb\": {input: a, target: b}":                        "no comma",
		"m: {input: a, target: b}\n---\nn: {input: a, target: b}": "more than one YAML document",
		"m: &m {input: a, expected: 1.5}\nn: {<<: *m, target: b}": "m.expected: must be a whole number",
		"m: {<<: [{inputs: a}], target: b}":                       "there is no field inputs",
		"m: &m {<<: *m}":                                          "contains itself",
		"m: {inputs: a, target: b, expected: x}":                  "line 1: there is no field inputs",
		`"..": {task: denoise, clean: a, sigmas: [25]}`:           `benchmark "..": a name is not empty or of dots alone`,
		`"a\\b": {task: denoise, clean: a, sigmas: [25]}`:         "backslash",
		"m: {input: a": "line 1: did not find expected",
	} {
		writeText(t, file, text)
		err := Standard().AddFile(file)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: error is %v, want one that says %q and names the file", text, err, want)
			continue
		}
		for _, inside := range []string{"dataset.", "map[", "unmarshal", "!!", "yaml:", "struct"} {
			if strings.Contains(strings.TrimPrefix(err.Error(), file), inside) {
				t.Errorf("%q: the error shows %q: %v", text, inside, err)
			}
		}
	}
}

func TestItemErrors(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 20, 20, "a.png")
	writeImages(t, dir, 15, 20, "small.png")
	a, small := filepath.Join(dir, "a.png"), filepath.Join(dir, "small.png")
	for want, item := range map[string]Item{
		"sides of 16":         {Target: small},
		"must be of one size": {Input: small, Target: a},
		"no such file":        {Target: filepath.Join(dir, "none.png")},
		"gone.png: there is":  {Input: filepath.Join(dir, "gone.png"), Target: a},
	} {
		if _, err := item.Load(0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one that says %q", err, want)
		}
	}
}

func FuzzCatalog(f *testing.F) {
	f.Add(standardYAML)
	f.Add([]byte("Mine: {task: derain, input: photos/rainy, target: photos/clean}"))
	f.Add([]byte("benchmarks: {a: {clean: [x, y], sigmas: [15]}}\ngroups: {g: [a]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := Standard()
		before := len(c.Names())
		if c.add(text, true) != nil {
			return
		}
		if len(c.Names()) < before {
			t.Fatal("adding benchmarks took some away")
		}
		for _, name := range c.Names() {
			bs, err := c.Resolve(name)
			if err != nil && !strings.ContainsAny(name, ", ") {
				t.Fatalf("%q is a name and does not resolve: %v", name, err)
			}
			for _, b := range bs {
				if len(b.Clean) == 0 && (len(b.Input) == 0 || len(b.Target) == 0) {
					t.Fatalf("benchmark %+v has nowhere to look", b)
				}
			}
		}
	})
}

func TestMadeBenchmarks(t *testing.T) {
	dir := t.TempDir()
	writeImages(t, dir, 50, 37, "clean/a.png", "clean/b.png")
	for _, kind := range madeKinds() {
		c := Standard()
		if err := c.add([]byte("mine: {task: "+kind+", clean: clean, made: "+kind+"}"), true); err != nil {
			t.Fatal(err)
		}
		b, err := c.Resolve("mine")
		if err != nil {
			t.Fatal(err)
		}
		splits, err := b[0].Open(dir)
		if err != nil || len(splits) != 1 || len(splits[0].Items) != 2 || splits[0].Label != "" {
			t.Fatalf("%s: splits %+v, %v; want one of two images", kind, splits, err)
		}
		item := splits[0].Items[0]
		d, err := item.Load(0)
		in, target := d.Input, d.Target
		if err != nil || in.W != 48 || in.H != 32 || target.W != 48 || target.H != 32 {
			t.Fatalf("%s: %+v, %+v, %v; want 48×32", kind, in, target, err)
		}
		if db := psnr(in, target); db > 40 || db < 3 {
			t.Errorf("%s: the input has %.1f dB", kind, db)
		}
		again, _ := item.Load(0)
		other, _ := item.Load(1)
		if !slices.Equal(in.Pix, again.Input.Pix) || slices.Equal(in.Pix, other.Input.Pix) {
			t.Errorf("%s does not depend on the seed alone", kind)
		}
	}
}

func TestWrongMadeBenchmarks(t *testing.T) {
	for text, want := range map[string]string{
		"x: {clean: c, made: fog}":                  `nothing called "fog" can be made: choose among derain, dehaze`,
		"x: {input: a, target: b, made: derain}":    "goes with clean",
		"x: {clean: c, sigmas: [15], made: derain}": "without sigmas",
		"x: {clean: c}":                             "what is made of it",
	} {
		if err := Standard().add([]byte(text), true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestOutside: pictures may be written anywhere but where a benchmark's images, of any
// composition, are sought.
func TestOutside(t *testing.T) {
	root := t.TempDir()
	writeImages(t, root, 16, 16, "cdd11/test/clear/1.png")
	all, err := Standard().Resolve("cdd11")
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]bool{"cdd11/test/low": false, "cdd11/test/new/low": false, "cdd11/new": true, "new": true} {
		if err := all[0].Outside(filepath.Join(root, dir), root); (err == nil) != want {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
