package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/config"
	"clusir/internal/dataset"
)

// TestSizes: settings that need more memory than is free are refused before anything is
// allocated, with a remedy that fits.
func TestSizes(t *testing.T) {
	root := photographs(t)
	for _, c := range []struct {
		name   string
		memory int64
		change func(*config.Config)
		want   []string
	}{
		{"a repeat beyond any list", 0, func(c *config.Config) { c.Tasks[0].Repeat = 1_000_000_000 }, []string{"6000000000 samples an epoch", "lower its repeat, synth or transfer to 357913941 or less"}},
		{"a repeat beyond the memory", 48 << 20, func(c *config.Config) { c.Tasks[0].Repeat = 1_000_000 }, []string{"6000000 samples an epoch", "to 174762 or less"}},
		{"synth", 48 << 20, func(c *config.Config) {
			c.Tasks = []dataset.Task{{Kind: "derain", Synth: 100_000_000}}
		}, []string{"300000000 samples an epoch", "lower its repeat, synth or transfer to 349525 or less"}},
		{"a batch", 1 << 30, func(c *config.Config) { c.Train.Batch, c.Train.Accumulate = 1_000_000, 1 }, []string{"1.0 GiB are free", "train.batch: "}},
		{"parts of a batch", 1 << 30, func(c *config.Config) { c.Train.Batch, c.Train.Accumulate = 1<<22, 1<<21 }, []string{"train.accumulate: 1 with train.batch: "}},
		{"an accumulated batch", 30 << 20, func(c *config.Config) { c.Train.Batch, c.Train.Accumulate = 64, 1 }, []string{"train.accumulate: "}},
		{"a patch", 1 << 30, func(c *config.Config) { c.Train.Patch = 4096 }, []string{"train.batch: ", "train.patch: "}},
		{"a network", 1 << 30, func(c *config.Config) { c.Model.Dim, c.Model.FSBGroups = 1024, 8 }, []string{"choose a smaller model"}},
		{"pictures", 30 << 20, func(c *config.Config) { c.Train.Batch, c.Train.Accumulate = 2, 1 }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings := small(root)
			c.change(settings)
			dir := filepath.Join(t.TempDir(), "run")
			settings.Train.Steps = 1
			_, err := runIn(t.Context(), t, Options{Config: settings, Out: dir, Memory: c.memory}, 1)
			if c.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v; want %q", err, want)
				}
			}
			if _, err := os.Stat(dir); err == nil {
				t.Error("a refused run makes a folder")
			}
		})
	}
}

// TestFitting: each remedy is given when it applies, and fits.
func TestFitting(t *testing.T) {
	o := Options{Config: small("")}.inGroup()
	s := o.Config.Train
	s.Batch, s.Accumulate = 16, 1
	const pictures = 100 << 20
	all, err := o.needs(s, pictures)
	if err != nil {
		t.Fatal(err)
	}
	parts := s
	parts.Accumulate = 4
	inParts, err := o.needs(parts, 0)
	if err != nil {
		t.Fatal(err)
	}
	fewer := s
	fewer.Batch = 6
	sixes, err := o.needs(fewer, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		memory int64
		want   string
	}{
		{all.total() - 30<<20, "train.cache_mb: 70 fits"},
		{inParts.total(), "train.cache_mb: 0 with train.accumulate: 4 fits"},
		{min(sixes.total(), inParts.total()) - 1, "train.cache_mb: 0 with train."},
		{1, "choose a smaller model"},
	} {
		o.Memory = f.memory
		if got := o.fitting(s, all); !strings.HasPrefix(got, f.want) {
			t.Errorf("%d bytes of %d: %s, want %s", f.memory, all.total(), got, f.want)
		}
	}
}
