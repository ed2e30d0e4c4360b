package infer

import (
	"slices"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/model"
	"clusir/internal/planar"
)

// TestProgress: the reported progress begins at 0, never falls, moves in small steps
// and ends at 1, and reporting does not change a bit of the result.
func TestProgress(t *testing.T) {
	b := newCPU(t, 2)
	for _, c := range []struct {
		h, w     int
		shared   bool // a pass with the results of another does less work
		ensemble Ensemble
	}{{64, 64, false, 0}, {37, 90, false, 0}, {64, 64, true, 0}, {40, 64, false, Flips}, {40, 64, true, Turns}} {
		m, err := model.New(arch.Variants()["nano"], b)
		if err != nil {
			t.Fatal(err)
		}
		m.Init(1)
		n, o := New(m, b), Options{}
		n.Ensemble = c.ensemble
		src := planar.New(3, c.h, c.w)
		for i := range src.Pix {
			src.Pix[i] = float32(i%97) / 97
		}
		if c.shared {
			o.Shared = &Shared{}
		}
		want, _, err := n.Restore(t.Context(), nil, src, o)
		if err != nil {
			t.Fatal(err)
		}
		var said []float64
		n.Progress = func(done float64) { said = append(said, done) }
		got, _, err := n.Restore(t.Context(), nil, src, o)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Pix, want.Pix) {
			t.Errorf("%d×%d: the result changes", c.w, c.h)
		}
		mustProgress(t, said, 0.1)
		if o.Shared != nil {
			o.Shared.Free(n.Tape())
		}
		n.Close()
	}
}

// mustProgress checks the reports of one pass.
func mustProgress(t *testing.T, said []float64, step float64) {
	t.Helper()
	if len(said) < 50 || said[0] != 0 || slices.Index(said, 1) < len(said)*9/10 || !slices.IsSorted(said) {
		t.Fatalf("the pass reports %v", said)
	}
	for i, s := range said[1:] {
		if s-said[i] > step {
			t.Errorf("from %.3f to %.3f in one step", said[i], s)
		}
	}
}
