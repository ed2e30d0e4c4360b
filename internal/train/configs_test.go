package train

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/dataset/degrade"
	"clusir/internal/model"
)

// oneOfEach is a data folder with one picture or pair for each task.
func oneOfEach(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	names := []string{
		"Train/Denoise/a", "Train/Derain/rainy/rain-1", "Train/Derain/gt/norain-1", "Train/Dehaze/synthetic/part1/1_0.8_0.2",
		"Train/Dehaze/original/1", "Train/Deblur/blur/1", "Train/Deblur/sharp/1", "Train/Enhance/low/1", "Train/Enhance/gt/1",
		"cdd11/train/clear/1",
	}
	for _, kind := range degrade.CDD11Kinds {
		names = append(names, "cdd11/train/"+kind+"/1")
	}
	for i, name := range names {
		path := filepath.Join(root, name+".png")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		m := image.NewGray(image.Rect(0, 0, 48, 40))
		m.SetGray(i, i, color.Gray{uint8(200 - i)})
		if err := png.Encode(f, m); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestConfigurations takes every built-in configuration through everything that
// precedes a run's first step: the network, the data, the benchmarks.
func TestConfigurations(t *testing.T) {
	root := oneOfEach(t)
	// Samples per epoch with one picture for each task; 0 means any number.
	epoch := map[string]int{
		"three-task": 9 + 120 + 1, "five-task": 9 + 120 + 1 + 5 + 200, "five-task-adair": 9 + 120 + 1 + 5 + 20, "cdd11": 11,
		"one-by-one-denoise": 9, "one-by-one-derain": 120, "one-by-one-dehaze": 1, "one-by-one-deblur": 5, "one-by-one-enhance": 200,
		"table4-a": 130, "table4-b": 130, "table4-c": 130, "table5-2346": 130, "table5-3333": 130, "table5-6432": 130,
		"table9-random": 130, "small": 130, "tiny": 130, "nano": 0, "nano-finish": 0, "denoise-nano": 3,
	}
	params := map[string]int{}
	for _, name := range config.Names() {
		want, known := epoch[name]
		if !known {
			t.Errorf("%s: this configuration is missing from the test", name)
		}
		delete(epoch, name)
		c, err := config.Load(name, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		c.Data = root
		m := c.Model.Config
		specs, err := model.Specs(m)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, s := range specs {
			n := 1
			for _, d := range s.Shape {
				n *= d
			}
			params[name] += n
		}
		set, _, err := dataset.Open(dataOptions(c, 0))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := set.Len(); got != want && want != 0 {
			t.Errorf("%s: %d samples an epoch, want %d", name, got, want)
		}
		if _, err := dataset.Standard().Resolve(strings.Join(dataset.NamesOf(c.Eval.Benchmarks), ",")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name := range epoch {
		t.Errorf("%s is not built in", name)
	}
	for _, order := range [][]string{
		{"table4-a", "table4-b", "table4-c"}, {"nano", "tiny", "small", "three-task"},
	} {
		for i, name := range order[1:] {
			if params[name] <= params[order[i]] {
				t.Errorf("%s has %d parameters and %s %d", name, params[name], order[i], params[order[i]])
			}
		}
	}
	for _, name := range []string{"table4-c", "table5-3333", "table9-random", "cdd11"} {
		if params[name] != params["three-task"] {
			t.Errorf("%s has %d parameters, want the base model's %d", name, params[name], params["three-task"])
		}
	}
}

// TestDataOptions: every setting of the data is handed on.
func TestDataOptions(t *testing.T) {
	o := reflect.ValueOf(dataOptions(&config.Config{Data: "data", Tasks: []dataset.Task{{}}, Train: config.Train{
		Seed: 1, Vary: dataset.Vary{Mild: 1}, Patch: 16, Rotate: true, CacheMB: 1, Clean: []string{"a"}, Exclude: []string{"b"}, KeepOverlaps: true, IgnoreLists: true,
	}}, 1))
	for i := range o.NumField() {
		if o.Field(i).IsZero() {
			t.Errorf("%s is left out", o.Type().Field(i).Name)
		}
	}
}
