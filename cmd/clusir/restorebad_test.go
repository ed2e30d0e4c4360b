package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clusir/internal/checkpoint"
	"clusir/internal/infer"
	"clusir/internal/model"
	"clusir/internal/restore"
)

// fixtures has pictures of every format and files that are not pictures.
const fixtures = "../../internal/imageio/testdata"

// badInputs fills a folder with files that cannot be restored: the broken ones of
// package imageio, and real pictures cut off at several places.
func badInputs(t *testing.T, dir string) (names []string) {
	t.Helper()
	put := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	for _, path := range glob(t, fixtures+"/bad/*") {
		put(filepath.Base(path)+".png", contentsOf(t, path)) // formats are recognised by contents
	}
	for _, path := range glob(t, fixtures+"/*_*.[jptbw]*") {
		data, name := contentsOf(t, path), filepath.Base(path)
		if strings.HasSuffix(name, ".expected.png") {
			continue
		}
		for cut, n := range map[string]int{"head": 30, "quarter": len(data) / 4, "half": len(data) / 2, "most": len(data) * 3 / 4} {
			put(cut+"-"+name, data[:n])
		}
	}
	return names
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
	}
	return paths
}

func contentsOf(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestBadInputs restores a folder of broken files with the command line: each is
// reported by name, the exit code is 1, and no file is left.
func TestBadInputs(t *testing.T) {
	for _, flags := range [][]string{nil, {"--tile", "128", "--max-memory", "400MB", "--compare"}} {
		in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
		names := badInputs(t, in)
		if len(names) < 120 {
			t.Fatalf("only %d bad inputs", len(names))
		}
		args := []string{"restore", in, "-o", out, "--json"}
		if flags != nil {
			args = append(args, append(flags, filepath.Join(out, "compare"))...)
		}
		var stdout, stderr bytes.Buffer
		ended := make(chan int, 1)
		go func() { ended <- run(args, &stdout, &stderr) }()
		select {
		case code := <-ended:
			if code != exitError {
				t.Errorf("%v: exit code %d", flags, code)
			}
		case <-time.After(5 * time.Minute):
			t.Fatalf("%v: it hangs", flags)
		}
		errorOf := map[string]string{}
		for d := json.NewDecoder(&stdout); d.More(); {
			var r restore.Record
			if err := d.Decode(&r); err != nil {
				t.Fatal(err)
			}
			errorOf[filepath.Base(r.Input)] = r.Error
		}
		for _, name := range names {
			if !strings.Contains(errorOf[name], name) || !strings.Contains(stderr.String(), name) {
				t.Errorf("%v: %s: the error is %q", flags, name, errorOf[name])
			}
		}
		if strings.Contains(stderr.String(), "internal error") || strings.Contains(stderr.String(), "decoder failed") {
			t.Errorf("%v: %s", flags, &stderr)
		}
		err := filepath.WalkDir(out, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				t.Errorf("%v: %s is left", flags, path)
			}
			return nil // a missing folder counts as an empty one
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestOddNames: a picture is restored even if its name could end a line, colour a
// terminal or is not text, and an error shows the name escaped, on one line.
func TestOddNames(t *testing.T) {
	odd := map[string]string{"a\nb": `a\nb`, "\x1b[31mred": `\x1b[31mred`, "\xff\xfe": `\xff\xfe`, "\xfe\xff": `\xfe\xff`, "\u009b2J": `\u009b2J`, "%s%d": "%s%d"}
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	picture := contentsOf(t, fixtures+"/bmp_rgb.bmp")
	put := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(in, name), data, 0o600); err != nil {
			t.Skipf("the file system takes no such names: %v", err)
		}
	}
	for name := range odd {
		put(name+".bmp", picture)
		put(name+".png", []byte("no picture"))
	}
	var stdout, stderr bytes.Buffer
	if code := run([]string{"restore", in, "-o", out, "--json"}, &stdout, &stderr); code != exitError {
		t.Errorf("exit code %d", code)
	}
	records := map[string]bool{}
	for line := range strings.Lines(stdout.String()) {
		var r restore.Record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Errorf("%v: %s", err, line)
		}
		records[r.Name], records[r.Input], records[r.Error] = true, true, true
	}
	if want := 2*2*len(odd) + len(odd) + 1; len(records) != want { // no error of those restored
		t.Errorf("%d names and errors in JSON, want %d:\n%s", len(records), want, &stdout)
	}
	all := stderr.String()
	if n := strings.Count(all, "\n"); n != len(odd)+1 {
		t.Errorf("%d lines:\n%s", n, all)
	}
	for name, shown := range odd {
		if _, err := os.Stat(filepath.Join(out, name+".bmp")); err != nil {
			t.Error(err)
		}
		if want := shown + ".png is not an image"; !strings.Contains(all, want) {
			t.Errorf("no line has %s:\n%s", want, all)
		}
		for of, args := range map[string][]string{
			"no picture":             {filepath.Join(in, name+".png"), filepath.Join(out, "x.png")},
			"a result that is there": {filepath.Join(in, name+".bmp"), filepath.Join(out, name+".bmp")},
		} {
			stderr.Reset()
			if code := run(append([]string{"restore"}, args...), &stdout, &stderr); code != exitError || strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("of %s: %d, %q", of, code, &stderr)
			}
		}
	}
}

// TestSuffixAlone: with only --suffix, all arguments are inputs, whether two or three.
func TestSuffixAlone(t *testing.T) {
	for n := 1; n <= 3; n++ {
		dir := t.TempDir()
		args := []string{"restore", "--suffix", "-x"}
		for i := range n {
			path := filepath.Join(dir, fmt.Sprintf("%d.bmp", i))
			if err := os.WriteFile(path, contentsOf(t, fixtures+"/bmp_rgb.bmp"), 0o600); err != nil {
				t.Fatal(err)
			}
			args = append(args, path)
		}
		var stdout, stderr bytes.Buffer
		code := run(args, &stdout, &stderr)
		if made := glob(t, filepath.Join(dir, "*-x.bmp")); code != exitOK || len(made) != n {
			t.Errorf("%d: exit code %d, %d results: %s", n, code, len(made), &stderr)
		}
	}
}

// TestBadWeights: a network with damaged weights does not overwrite a picture, whether
// loading detects it or not.
func TestBadWeights(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), 1e10} {
		t.Run(fmt.Sprint(bad), func(t *testing.T) {
			dir := t.TempDir()
			picture, weights := filepath.Join(dir, "in.png"), filepath.Join(dir, "bad.safetensors")
			before := contentsOf(t, "../../testdata/images/chelsea-noisy.png")
			if err := os.WriteFile(picture, before, 0o644); err != nil {
				t.Fatal(err)
			}
			spoil(t, weights, float32(bad))
			var stdout, stderr bytes.Buffer
			args := []string{"restore", picture, picture, "--overwrite", "--json", "--model", weights}
			if code := run(args, &stdout, &stderr); code != exitError {
				t.Errorf("exit code %d", code)
			}
			if bad < 1e11 { // finite weights load, and the picture fails
				var r restore.Record
				if err := json.Unmarshal(stdout.Bytes(), &r); err != nil || !strings.Contains(r.Error, "the network's result holds") {
					t.Errorf("%q, %v", r.Error, err)
				}
			} else if want := `tensor "head.weight" holds`; !strings.Contains(stderr.String(), want) {
				t.Errorf("%s, want %s", &stderr, want)
			}
			if !bytes.Equal(contentsOf(t, picture), before) {
				t.Error("the picture was changed")
			}
		})
	}
}

// spoil writes the embedded model with one weight changed.
func spoil(t *testing.T, path string, value float32) {
	t.Helper()
	f, err := infer.Open("nano")
	if err != nil {
		t.Fatal(err)
	}
	c, err := model.ReadConfig(f)
	if err != nil {
		t.Fatal(err)
	}
	contents := checkpoint.Contents{Config: c}
	for _, name := range f.Names() {
		w, err := f.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "head.weight" {
			w.Data()[5] = value
		}
		contents.Tensors = append(contents.Tensors, w)
	}
	if err := checkpoint.Write(path, contents); err != nil {
		t.Fatal(err)
	}
}
