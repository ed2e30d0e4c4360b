package dataset

import (
	"slices"
	"testing"
)

// TestInventory: a missing or replaced image is a difference; moving the whole folder
// is not.
func TestInventory(t *testing.T) {
	set := func(root string, names ...string) Inventory {
		s := &Set{opts: Options{Root: root}}
		src := source{label: Denoise, repeat: 2, sigmas: []float64{15, 25}}
		for _, n := range names {
			src.pairs = append(src.pairs, pair{target: root + "/Train/Denoise/" + n})
		}
		s.add(src)
		return s.Inventory()
	}
	was := set("/data", "a.png", "b.png")
	if was[0].Samples != 8 {
		t.Errorf("%d samples, want 8", was[0].Samples)
	}
	for _, c := range []struct {
		name string
		now  Inventory
		want []string
	}{
		{"the same", set("/data", "a.png", "b.png"), nil},
		{"moved", set("/elsewhere", "a.png", "b.png"), nil},
		{"one is gone", set("/data", "a.png"), []string{"denoise: 1 images, were 2"}},
		{"one is another", set("/data", "a.png", "c.png"), []string{"denoise: 2 images, as before, but not the same ones"}},
		{"another task", Inventory{{Task: Derain, Images: 7}}, nil},
	} {
		if got := c.now.Differences(was); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
