package train

import (
	"bytes"
	"errors"
	"math"
	"path/filepath"
	"sync"
	"testing"

	"clusir/internal/checkpoint"
	"clusir/internal/config"
	"clusir/internal/parallel"
	"clusir/internal/sharedtest"
)

// shared is a run of 20 steps for several ranks, whose loss is compared.
func shared(root string) *config.Config {
	c := small(root)
	c.Train.Steps, c.Train.SyncBatchNorm = 20, true
	c.Train.LR, c.Train.Schedule, c.Train.Warmup = 1e-4, "constant", 0
	c.Train.CheckpointInterval, c.Train.ValidationInterval = 0, 0
	return c
}

// runRanks runs all ranks of a group within this process.
func runRanks(t *testing.T, groups []parallel.Group, options func(rank int) Options) []error {
	t.Helper()
	errs := make([]error, len(groups))
	var wg sync.WaitGroup
	for i, g := range groups {
		wg.Go(func() {
			o := options(i)
			o.Group = g
			_, errs[i] = runIn(t.Context(), t, o, 1)
			g.Close()
		})
	}
	wg.Wait()
	return errs
}

// overTCP makes a group over TCP whose ranks are all in this process.
func overTCP(t *testing.T, size int) []parallel.Group {
	t.Helper()
	addr := sharedtest.FreeAddr(t)
	groups, errs := make([]parallel.Group, size), make([]error, size)
	var wg sync.WaitGroup
	for r := range groups {
		wg.Go(func() {
			groups[r], errs[r] = parallel.Join(t.Context(), parallel.Place{Rank: r, Size: size, Addr: addr})
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return groups
}

// TestRanksEqualOne: two ranks with half of each batch have the losses of one rank with
// the whole batch and end with its weights; the other logged values also match. The
// transport does not change a bit.
func TestRanksEqualOne(t *testing.T) {
	root, one := photographs(t), t.TempDir()
	if _, err := runIn(t.Context(), t, Options{Config: shared(root), Out: one}, 1); err != nil {
		t.Fatal(err)
	}
	recompute := shared(root)
	recompute.Train.Recompute = true
	last := map[string][]byte{}
	for name, v := range map[string]struct {
		groups []parallel.Group
		config *config.Config
	}{
		"goroutines": {parallel.Local(2), shared(root)},
		"TCP":        {overTCP(t, 2), shared(root)},
		"recomputed": {parallel.Local(2), recompute},
	} {
		two := t.TempDir()
		if err := errors.Join(runRanks(t, v.groups, func(int) Options { return Options{Config: v.config, Out: two} })...); err != nil {
			t.Fatal(name, err)
		}
		sameLosses(t, name, one, two)
		sameWeights(t, name, one, two)
		last[name] = weightsOf(t, two)
	}
	for name, w := range last {
		if !bytes.Equal(w, last["goroutines"]) {
			t.Errorf("%s ends in different bits than goroutines", name)
		}
	}
	half, moved := shared(root), t.TempDir()
	half.Train.Steps = 10
	if err := errors.Join(runRanks(t, parallel.Local(2), func(int) Options { return Options{Config: half, Out: moved} })...); err != nil {
		t.Fatal(err)
	}
	if _, err := runIn(t.Context(), t, Options{Config: shared(root), Out: moved, Resume: true}, 1); err != nil {
		t.Fatal(err)
	}
	sameLosses(t, "ten steps of two ranks, then one", one, moved)
	sameWeights(t, "ten steps of two ranks, then one", one, moved)
}

// sameLosses compares the logs of two runs.
func sameLosses(t *testing.T, name, one, two string) {
	t.Helper()
	a, err := ReadLog(filepath.Join(one, logName))
	if err != nil {
		t.Fatal(err)
	}
	b, err := ReadLog(filepath.Join(two, logName))
	if err != nil {
		t.Fatal(err)
	}
	if len(a) != 20 || len(b) != 20 {
		t.Fatalf("%s: logs of %d and %d steps", name, len(a), len(b))
	}
	worst := 0.0
	for i := range a {
		worst = max(worst, math.Abs(a[i].Loss-b[i].Loss)/a[i].Loss)
		for l := range a[i].Experts {
			for e, v := range a[i].Experts[l] {
				if b[i].Experts[l][e] != v {
					t.Errorf("%s: step %d: expert %d of stage %d saw %g and %g of the batch", name, i+1, e, l, v, b[i].Experts[l][e])
				}
			}
			for c, v := range a[i].Posterior[l] {
				if math.Abs(b[i].Posterior[l][c]-v) > 2e-4 {
					t.Errorf("%s: step %d: posterior %g and %g", name, i+1, v, b[i].Posterior[l][c])
				}
			}
		}
	}
	t.Logf("%s: losses differ by %.1e", name, worst)
	if worst > 1e-5 {
		t.Errorf("%s: losses differ by %.1e, more than 1e-5", name, worst)
	}
}

// sameWeights compares the last checkpoints of two runs, including BatchNorm's
// statistics and the optimiser's step counts.
func sameWeights(t *testing.T, name, one, two string) {
	t.Helper()
	a, b := openLast(t, one), openLast(t, two)
	for _, n := range a.Names() {
		x, err := a.Tensor(n)
		if err != nil {
			t.Fatal(err)
		}
		y, err := b.Tensor(n)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range x.Data() {
			// 20 steps of Adam move a weight by up to 2e-3, and noise in a gradient's
			// last bits by up to a few percent of that.
			if d := math.Abs(float64(v - y.Data()[i])); d > 1e-4*(1+math.Abs(float64(v))) {
				t.Fatalf("%s: %s[%d] is %g and %g", name, n, i, v, y.Data()[i])
			}
		}
	}
}

func openLast(t *testing.T, dir string) *checkpoint.File {
	t.Helper()
	f, err := checkpoint.Open(filepath.Join(dir, lastName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// weightsOf returns the stem of a run's last checkpoint, whose bits every step changes.
func weightsOf(t *testing.T, dir string) []byte {
	t.Helper()
	w, err := openLast(t, dir).Tensor("stem.weight")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, v := range w.Data() {
		bits := math.Float32bits(v)
		b.Write([]byte{byte(bits), byte(bits >> 8), byte(bits >> 16), byte(bits >> 24)})
	}
	return b.Bytes()
}
