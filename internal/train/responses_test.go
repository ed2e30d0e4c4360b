package train

import (
	"maps"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/checkpoint"
	"clusir/internal/dataset"
	"clusir/internal/model"
)

// TestClusterResponses: a complete run records what its clusters respond to, and its
// exports keep that; an interrupted run does not.
func TestClusterResponses(t *testing.T) {
	dir := t.TempDir()
	c := small(photographs(t))
	c.Tasks = append(c.Tasks, dataset.Task{Kind: "enhance", Synth: 2})
	c.Train.Steps = 6
	if _, err := runIn(t.Context(), t, Options{Config: c, Out: dir}, 1); err != nil {
		t.Fatal(err)
	}
	last, exported := filepath.Join(dir, lastName), filepath.Join(dir, "exported.safetensors")
	whole := openLast(t, dir)
	shape, err := model.ReadConfig(whole)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Export(whole, shape, Exported{Out: exported, Half: true}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{last, exported} {
		f, err := checkpoint.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		mc, err := model.ReadConfig(f)
		if err != nil {
			t.Fatal(err)
		}
		a, err := model.ReadResponses(f.Metadata, mc)
		if a == nil || err != nil {
			t.Fatalf("%s: responses %v, %v", path, a, err)
		}
		for l, clusters := range a {
			for n, shares := range clusters {
				if names := slices.Sorted(maps.Keys(shares)); !slices.Equal(names, []string{"low light", "noise"}) {
					t.Errorf("stage %d, cluster %d responds to %q", l+1, n, names)
				}
			}
		}
	}
}

func TestClusterUse(t *testing.T) {
	u := clusterUse{}
	for l := range arch.Stages {
		u.add("noise", l, []float32{1, 0, 0})
		u.add("rain", l, []float32{.5, .5, 0})
		u.add("rain", l, []float32{0, 1, 0}) // twice as many samples, but the same weight
	}
	c := arch.Base()
	want := []map[string]float64{{"noise": .8, "rain": .2}, {"noise": 0, "rain": 1}, {"noise": 0, "rain": 0}}
	for l, clusters := range u.responses(c) {
		for n, shares := range clusters {
			for task, s := range shares {
				if math.Abs(s-want[n][task]) > 1e-9 {
					t.Errorf("stage %d: %v, want %v", l+1, shares, want[n])
				}
			}
		}
	}
}
