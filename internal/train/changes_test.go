package train

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"clusir/internal/checkpoint"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/parallel"
)

func TestChanges(t *testing.T) {
	was := *small("data")
	text, err := json.Marshal(was)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*config.Config)
		want   string
	}{
		{"nothing", func(*config.Config) {}, ""},
		{"where the data are", func(c *config.Config) { c.Data, c.Threads = "elsewhere", 7 }, ""},
		{"the rate and the length", func(c *config.Config) { c.Train.LR, c.Train.Steps = 0.5, 9 },
			"settings that changed since the checkpoint:\n  train.lr: 0.5, was 0.001\n  train.steps: 9, was 6\n"},
		{"what is rounded", func(c *config.Config) { c.Precision = "tf32" }, "precision: tf32, was auto"},
		{"a task", func(c *config.Config) { c.Tasks[0] = dataset.Task{Kind: "derain", Repeat: 2} }, "  tasks[0]: {kind: derain, repeat: 2}, was {kind: "},
		{"a task that is new", func(c *config.Config) { c.Tasks = append(c.Tasks, dataset.Task{Kind: "clean", Repeat: 1}) }, ": {kind: clean, repeat: 1}, was none\n"},
		{"a task that is gone", func(c *config.Config) { c.Tasks = nil }, "  tasks[0]: none, was {kind: "},
		{"samples", func(c *config.Config) { c.Train.Vary.Bars = 0.5 }, "  train.vary: {bars: 0.5, graphics: 0, grey: 0, jpeg: 0, mild: 0}, was {bars: 0, "},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := *small("data")
			c.change(&now)
			var out bytes.Buffer
			r := &run{Options: Options{Config: &now, Device: "cpu avx2", Group: parallel.Local(1)[0], Messages: &out}}
			if err := r.reportChanges(recorded(string(text), "cpu avx2")); err != nil {
				t.Fatal(err)
			}
			if got := out.String(); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("said %q, want %q", got, c.want)
			}
		})
	}
	if err := new(run).reportChanges(recorded("no JSON", "")); err == nil {
		t.Error("damaged metadata are accepted")
	}
	was.Train.EMA = 0
	if text, err = json.Marshal(was); err != nil {
		t.Fatal(err)
	}
	r := &run{Options: Options{Config: small("data")}}
	if err := r.reportChanges(recorded(string(text), "")); err == nil || !strings.Contains(err.Error(), "holds no moving average, which train.ema: 0.5 would continue") {
		t.Errorf("an average without its beginning: %v", err)
	}
}

// recorded returns a checkpoint of a run.
func recorded(recipe, device string) *checkpoint.File {
	return &checkpoint.File{Metadata: map[string]string{checkpoint.KeyRecipe: recipe, checkpoint.KeyDevice: device}}
}

// TestDeviceChanges: another device or number of ranks is reported, another GPU of the
// same kind is not.
func TestDeviceChanges(t *testing.T) {
	text, err := json.Marshal(small("data"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ was, is, want string }{
		{"cpu avx2", "cpu avx2", "device: cpu avx2, 2 ranks, was cpu avx2"},
		{"cpu avx2, 2 ranks", "cpu avx2", ""},
		{"cuda:0 H200, 2 ranks", "cuda:1 H200", ""},
		{"cpu avx2, 2 ranks", "cuda:1 H200", "device: cuda:1 H200, 2 ranks, was cpu avx2, 2 ranks"},
		{"", "cpu avx2", ""},
	} {
		var out bytes.Buffer
		r := &run{Options: Options{Config: small("data"), Device: c.is, Group: parallel.Local(2)[0], Messages: &out}}
		if err := r.reportChanges(recorded(string(text), c.was)); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("said %q, want %q", got, c.want)
		}
	}
}
