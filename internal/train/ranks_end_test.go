//go:build unix

package train

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"clusir/internal/config"
	"clusir/internal/kernels/cpu"
	"clusir/internal/parallel"
	"clusir/internal/sharedtest"
)

// TestRanksStopTogether: interrupting one rank ends all after the same step, and the
// resumed run ends in the bits of an uninterrupted one.
func TestRanksStopTogether(t *testing.T) {
	root, whole, cut := photographs(t), t.TempDir(), t.TempDir()
	c := small(root)
	c.Train.SyncBatchNorm = true // two parts of one sample for each
	options := func(out string, resume bool) func(int) Options {
		return func(int) Options { return Options{Config: c, Out: out, Resume: resume} }
	}
	if err := errors.Join(runRanks(t, parallel.Local(2), options(whole, false))...); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	contexts := []context.Context{t.Context(), &afterSteps{Context: ctx, left: 3, stop: stop}}
	var wg sync.WaitGroup
	for i, g := range parallel.Local(2) {
		wg.Go(func() {
			o := options(cut, false)(i)
			o.Group = g
			if res, err := runIn(contexts[i], t, o, 1); err != nil || !res.Interrupted || res.Step != 3 {
				t.Errorf("rank %d: %+v, %v; want an end after step 3", i, res, err)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(runRanks(t, parallel.Local(2), options(cut, true))...); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytesOf(t, whole, lastName), bytesOf(t, cut, lastName)) {
		t.Error("the resumed run ends in different bits than the whole one")
	}
}

// afterSteps is a context that ends when a run has queried it before the given number
// of steps.
type afterSteps struct {
	context.Context
	left int
	stop func()
}

func (c *afterSteps) Err() error {
	if c.left == 0 {
		c.stop()
	}
	c.left--
	return c.Context.Err()
}

// TestRanksDisagree: a rank that cannot take part ends the run on all ranks, and each
// of them says why.
func TestRanksDisagree(t *testing.T) {
	root, other, done := photographs(t), photographs(t), t.TempDir()
	if _, err := runIn(t.Context(), t, Options{Config: small(root), Out: done}, 1); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(other, "Train", "Denoise", "c.png")); err != nil {
		t.Fatal(err)
	}
	renamed := photographs(t)
	if err := os.Rename(filepath.Join(renamed, "Train", "Denoise", "c.png"), filepath.Join(renamed, "Train", "Denoise", "d.png")); err != nil {
		t.Fatal(err)
	}
	with := func(root string, change func(*config.Config)) *config.Config {
		c := small(root)
		change(c)
		return c
	}
	same := func(*config.Config) {}
	for _, c := range []struct {
		name  string
		ranks [2]*config.Config
		out   string
		want  string
	}{
		{"settings", [2]*config.Config{small(root), with(root, func(c *config.Config) { c.Train.LR /= 2 })}, "", "rank 1 gave up: settings that differ from rank 0's: start all ranks with the same configuration\n  train.lr: 0.0005, rank 0 has 0.001"},
		{"network", [2]*config.Config{small(root), with(root, func(c *config.Config) { c.Model.RefineBlocks++ })}, "", "same configuration\n  model.refine_blocks: 2, rank 0 has 1"},
		{"data", [2]*config.Config{small(root), with(other, same)}, "", "rank 1 gave up: a training set of 4 samples"},
		{"names", [2]*config.Config{small(root), small(renamed)}, "", "rank 1 gave up: training pictures with other names"},
		{"folder", [2]*config.Config{small(root), small(root)}, done, "rank 0 gave up: " + done + " holds a run"},
		{"batch", [2]*config.Config{with(root, func(c *config.Config) { c.Train.Batch = 6 }), with(root, func(c *config.Config) { c.Train.Batch = 6 })}, "", "multiple of 4"},
		{"single samples", [2]*config.Config{small(root), small(root)}, "", "train.sync_batchnorm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.out == "" {
				c.out = t.TempDir()
			}
			if c.name != "single samples" {
				for _, o := range c.ranks {
					o.Train.SyncBatchNorm = true
				}
			}
			errs := runRanks(t, parallel.Local(2), func(rank int) Options { return Options{Config: c.ranks[rank], Out: c.out} })
			for rank, err := range errs {
				if err == nil {
					t.Errorf("rank %d continues", rank)
				}
			}
			if !strings.Contains(errors.Join(errs...).Error(), c.want) {
				t.Errorf("errors %v; want %q", errs, c.want)
			}
		})
	}
}

// TestRankDies kills one of two processes: the other ends within seconds and names the
// lost rank, and the last checkpoint is whole.
func TestRankDies(t *testing.T) {
	if root := os.Getenv(child); root != "" {
		liveAsRank(t, root)
		return
	}
	for victim, want := range []string{"rank 0 was lost", "rank 1 was lost"} {
		root := photographs(t)
		host, port, _ := strings.Cut(sharedtest.FreeAddr(t), ":")
		var ranks [2]*exec.Cmd
		var said [2]bytes.Buffer
		for r, name := range []string{"0", "1"} {
			c := startChild(t, "TestRankDies", root)
			c.Env = append(c.Env, "RANK="+name, "WORLD_SIZE=2", "MASTER_ADDR="+host, "MASTER_PORT="+port)
			c.Stdout = &said[r]
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			ranks[r] = c
		}
		awaitStep(t, filepath.Join(root, "run"), 2)
		if err := ranks[victim].Process.Kill(); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		_ = ranks[1-victim].Wait() // it fails, as it should; its output is checked below
		_ = ranks[victim].Wait()   // it was killed
		if d := time.Since(begin); d > 10*time.Second {
			t.Errorf("rank %d took %v to end after rank %d was killed", 1-victim, d, victim)
		}
		if out := said[1-victim].String(); !strings.Contains(out, want) {
			t.Errorf("rank %d says\n%s\nwant %q", 1-victim, out, want)
		}
		f := openLast(t, filepath.Join(root, "run"))
		if step, err := f.Step(); err != nil || step < 1 {
			t.Errorf("the last checkpoint is of step %d, %v", step, err)
		}
		if _, err := f.Tensor("stem.weight"); err != nil {
			t.Error(err)
		}
	}
}

// liveAsRank trains until it is killed or learns that the other rank was.
func liveAsRank(t *testing.T, root string) {
	p, err := parallel.FromEnv(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	g, err := parallel.Join(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	b, err := cpu.New(cpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c := small(root)
	c.Train.Steps, c.Train.SyncBatchNorm, c.Train.CheckpointInterval = 1e6, true, 1
	_, err = Run(t.Context(), Options{Config: c, Backend: b, Out: filepath.Join(root, "run"), Messages: io.Discard, Group: g})
	t.Logf("rank %d ends: %v", g.Rank(), err)
	t.Fail() // so that it is printed
}

// TestRanksOfOtherVersions: recipes that differ only in what this version does not know are
// of another version.
func TestRanksOfOtherVersions(t *testing.T) {
	err := otherSettings(`{"train":{"steps":5}}`, `{"train":{"steps":5,"later":1}}`)
	if !strings.HasSuffix(err.Error(), "\n  a setting that one of their versions of clusir lacks: use the same version") {
		t.Error(err)
	}
}
