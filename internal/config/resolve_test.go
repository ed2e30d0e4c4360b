package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEmbedded loads each built-in configuration by either of its names.
func TestEmbedded(t *testing.T) {
	inFolder(t, nil)
	names := Names()
	for _, want := range strings.Fields("three-task five-task cdd11 tiny small denoise-nano table4-a table4-b table4-c " +
		"table5-3333 table5-2346 table5-6432 table9-random one-by-one-denoise one-by-one-derain one-by-one-dehaze one-by-one-deblur one-by-one-enhance") {
		if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+want+" ") {
			t.Errorf("%s is not built in", want)
		}
	}
	for _, name := range names {
		c, err := Load(name, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(c.Tasks) == 0 {
			t.Errorf("%s: nothing to train for", name)
		}
		if len(c.Eval.Benchmarks) == 0 {
			t.Errorf("%s: nothing to validate on", name)
		}
		if same, err := Load(name+".yaml", nil); err != nil || fmt.Sprint(same.Tasks) != fmt.Sprint(c.Tasks) {
			t.Errorf("%s.yaml: %v", name, err)
		}
	}
}

// TestPaperRecipe checks the recipe against the paper.
func TestPaperRecipe(t *testing.T) {
	inFolder(t, nil)
	load := func(name string) *Config {
		c, err := Load(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	three := load("three-task")
	tr := three.Train
	if tr.Epochs != 150 || tr.Batch != 48 || tr.Patch != 128 || tr.LR != 2e-4 || tr.Schedule != "halve" || tr.HalveAfter != 75 || three.Model.Variant != "base" {
		t.Errorf("three-task: %+v", tr)
	}
	// 5,144 clean images, 200 rain pairs, 72,135 hazy images.
	samples := 0
	for i, images := range []int{400 + 4744, 200, 72135} {
		task := three.Tasks[i]
		samples += images * task.Repeat * max(1, len(task.Sigmas))
	}
	if samples != 142431 {
		t.Errorf("an epoch of three tasks has %d samples, want 142431", samples)
	}
	if c := load("cdd11"); c.Train.Epochs != 200 || c.Train.HalveAfter != 75 {
		t.Errorf("cdd11: %+v", c.Train)
	}
	if c := load("five-task"); len(c.Tasks) != 5 || c.Tasks[3].Repeat != 5 || c.Tasks[4].Repeat != 200 {
		t.Errorf("five-task: %+v", c.Tasks)
	}
	if c := load("table4-a"); c.Model.UseMoE || c.Model.UseDAFMM || c.Train.OrthogonalityWeight != 0 || len(c.Tasks) != 3 {
		t.Errorf("table4-a: %+v", c)
	}
	if c := load("table9-random"); c.Model.PrototypeInit != "uniform" || c.Train.OrthogonalityWeight != 0 {
		t.Errorf("table9-random: %+v", c)
	}
	if c := load("small"); c.Model.Variant != "small" || len(c.Tasks) != 3 {
		t.Errorf("small: %+v", c)
	}
}

func TestResolution(t *testing.T) {
	for _, c := range []struct {
		name, load string
		files      map[string]string
		data, want string
	}{
		{"a file in the working folder wins", "tiny", map[string]string{"tiny.yaml": "data: mine"}, "mine", "base"},
		{"with its extension", "tiny.yaml", map[string]string{"tiny.yaml": "data: mine"}, "mine", "base"},
		{"a folder of that name does not", "tiny", map[string]string{"tiny.yaml/x": ""}, "", "tiny"},
		{"a file extends its namesake", "tiny", map[string]string{"tiny.yaml": "extends: tiny\ndata: mine"}, "mine", "tiny"},
		{"a path", "sub/run.yaml", map[string]string{"sub/run.yaml": "extends: base-run\n", "sub/base-run.yaml": "data: beside"}, "beside", "base"},
		{"a built-in one is not changed by files around it", "tiny", map[string]string{"three-task.yaml": "data: mine"}, "", "tiny"},
		{"an empty file is the default", "run", map[string]string{"run.yaml": "# nothing\n"}, "", "base"},
		{"a null document, too", "run", map[string]string{"run.yaml": "---\n"}, "", "base"},
		{".yml", "run.yml", map[string]string{"run.yml": "data: d"}, "d", "base"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFolder(t, c.files)
			got, err := Load(c.load, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got.Data != c.data || got.Model.Variant != c.want {
				t.Errorf("data %q, variant %s; want %q, %s", got.Data, got.Model.Variant, c.data, c.want)
			}
		})
	}
}

func TestResolutionErrors(t *testing.T) {
	long := map[string]string{}
	for i := range 40 {
		long[fmt.Sprintf("c%d.yaml", i)] = fmt.Sprintf("extends: c%d", i+1)
	}
	for _, c := range []struct {
		name, load string
		files      map[string]string
		want       []string
	}{
		{"missing", "five-tasks", nil, []string{"no configuration five-tasks", "three-task, tiny", "Did you mean five-task?"}},
		{"missing path", "x/y.yaml", nil, []string{"no configuration x/y.yaml"}},
		{"extends what is missing", "a", map[string]string{"a.yaml": "extends: gone"}, []string{"a.yaml extends gone: no configuration gone"}},
		{"a circle", "a", map[string]string{"a.yaml": "extends: b", "b.yaml": "extends: a"}, []string{"b.yaml extends a: a.yaml extends itself"}},
		{"itself", "a", map[string]string{"a.yaml": "extends: ./a.yaml"}, []string{"a.yaml extends ./a.yaml: a.yaml extends itself"}},
		{"too many", "c0", long, []string{"more than 16"}},
		{"huge", "a", map[string]string{"a.yaml": strings.Repeat("# comment\n", maxSize/9)}, []string{"a.yaml is larger"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFolder(t, c.files)
			_, err := Load(c.load, nil)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v does not say %q", err, want)
				}
			}
		})
	}
	inFolder(t, map[string]string{"a.yaml": ""})
	if err := os.Chmod("a.yaml", 0); err == nil && os.Getuid() != 0 {
		if _, err := Load("a", nil); err == nil {
			t.Error("an unreadable file must be an error")
		}
	}
}

// TestBenchmarkFileOfAFolder: a configuration names its benchmarks relative to its own
// folder, wherever it is used, extended or not.
func TestBenchmarkFileOfAFolder(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(filepath.Dir(dir))
	near, far := filepath.Join(dir, "sub", "mine.yaml"), filepath.Join(t.TempDir(), "other.yaml")
	for _, c := range []struct{ name, text, want string }{
		{"own.yaml", "eval: {benchmark_file: sub/mine.yaml}\n", near},
		{"over.yaml", "extends: own.yaml\n", near},
		{"absolute.yaml", "eval: {benchmark_file: " + far + "}\n", far},
	} {
		path := filepath.Join(dir, c.name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{path, filepath.Join(filepath.Base(dir), c.name)} {
			loaded, err := Load(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := filepath.Abs(loaded.Eval.BenchmarkFile); err != nil || got != c.want {
				t.Errorf("%s: %v, %v, want %s", path, got, err, c.want)
			}
		}
	}
}

// TestOtherFiles: a configuration may be a pipe or a file of any extension, and what is
// none is not said to be absent.
func TestOtherFiles(t *testing.T) {
	inFolder(t, map[string]string{"run.txt": "extends: below\ntrain: {batch: 7}\n", "below": "train: {steps: 9}\n",
		"self.txt": "extends: self.txt\n", "folder/x": "", "picture.png": "\x89PNG\r\n\x1a\n\x00"})
	if c, err := Load("run.txt", nil); err != nil || c.Train.Batch != 7 || c.Train.Steps != 9 {
		t.Errorf("a file of another extension: %v", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("train: {batch: 5}\n"); err != nil || w.Close() != nil {
		t.Fatal("cannot fill the pipe")
	}
	pipe := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if _, err := os.Stat(pipe); err != nil {
		t.Log("no /dev/fd here: a pipe is not tested")
	} else if c, err := Load(pipe, nil); err != nil || c.Train.Batch != 5 {
		t.Errorf("a pipe: %v", err)
	}
	for name, want := range map[string]string{"self.txt": "self.txt extends itself", "folder": "it is a folder", "picture.png": "picture.png: ", "absent": "there is no such file"} {
		if _, err := Load(name, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
