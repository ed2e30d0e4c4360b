package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/kernels"
	"clusir/internal/kernels/cpu"
	"clusir/internal/model"
)

// little is a network that takes milliseconds.
func little() Subject {
	c := arch.Variants()["nano"]
	c.Dim, c.PromptSize = 8, []int{4, 4, 4}
	return Subject{Name: "little", Config: c}
}

func open(threads int) (kernels.Backend, string, error) {
	b, err := cpu.New(cpu.Options{Threads: threads, ISA: "portable"})
	if err != nil {
		return nil, "", err
	}
	return b, "cpu " + b.ISA(), nil
}

func options() Options {
	return Options{Subject: little(), Sizes: []Size{{32, 32}}, Threads: []int{1}, Batch: 1, Runs: 1, Open: open}
}

// TestCounts compares the counts with PyTorch's, without a device.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		variant     string
		params      int64
		macs        float64
		text, gmacs string
		train       bool
		images      int
	}{
		{"base", 55_674_691, 29.197933248, "55,674,691", "29.20", false, 1},
		{"small", 25_273_347, 13.223798400, "25,273,347", "13.22", false, 1},
		{"tiny", 6_715_331, 3.491153984, "6,715,331", "3.49", false, 1},
		{"tiny", 6_715_331, 2 * 3.491153984, "6,715,331", "6.98", false, 2},
		{"tiny", 6_715_331, 2 * 3 * 3.491153984, "6,715,331", "20.95", true, 2},
	} {
		o := options()
		o.Subject = Subject{Name: c.variant, Config: arch.Variants()[c.variant]}
		o.Sizes, o.Batch, o.Train, o.Runs, o.Open = []Size{{128, 128}}, c.images, c.train, 0, nil
		rs, err := Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		if r := rs[0]; r.Params != c.params || math.Abs(r.GMACs-c.macs) > 1e-9 {
			t.Errorf("%s: %d parameters, %.9f GMACs; want %d and %.9f", c.variant, r.Params, r.GMACs, c.params, c.macs)
		}
		var out bytes.Buffer
		if err := writeText(&out, rs); err != nil || !strings.Contains(out.String(), " "+c.text+" ") || !strings.Contains(out.String(), " "+c.gmacs+" ") {
			t.Errorf("%s: the table lacks %s or %s (%v):\n%s", c.variant, c.text, c.gmacs, err, &out)
		}
	}
}

func TestRun(t *testing.T) {
	o := options()
	o.Sizes, o.Threads, o.Warmup, o.Runs, o.Peak = []Size{{32, 32}, {64, 48}}, []int{1, 2}, 1, 3, true
	var progress []string
	o.Progress = func(done, passes int, of string) {
		progress = append(progress, fmt.Sprintf("%s: %d of %d", of, done, passes))
	}
	rs, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(rs) != 4 {
		t.Fatalf("%d results of two sizes at two numbers of threads", len(rs))
	}
	for i, r := range rs {
		if want := (Result{Size: o.Sizes[i%2], Threads: o.Threads[i/2]}); r.Size != want.Size || r.Threads != want.Threads {
			t.Errorf("result %d is of %s with %d threads, want %s with %d", i, r.Size, r.Threads, want.Size, want.Threads)
		}
		if len(r.Ms) != 3 || !(0 < r.MsMin && r.MsMin <= r.MsMedian && r.MsMedian <= r.MsMax) {
			t.Errorf("result %d: %v: median %g, min %g, max %g", i, r.Ms, r.MsMedian, r.MsMin, r.MsMax)
		}
		near(t, "images/s", r.ImagesPerS, 1e3/r.MsMedian)
		near(t, "GMAC/s", r.GMACsPerS, r.GMACs/r.MsMedian*1e3)
		near(t, "share of peak", r.ShareOfPeak, r.GMACsPerS/r.DevicePeak)
		if r.Device != "cpu portable" || r.ISA != "portable" || r.PeakOp == "" || r.Exponent == 0 {
			t.Errorf("result %d: %+v", i, r)
		}
		if (r.Speedup > 0) != (r.Threads == 2) {
			t.Errorf("result %d: speedup %g at %d threads", i, r.Speedup, r.Threads)
		}
	}
	if rs[0].DevicePeak != rs[1].DevicePeak {
		t.Error("the peak was measured twice for one number of threads")
	}
	if n := len(progress); n != 4*5 || progress[0] != "little 32, 1 thread: 0 of 4" || progress[n-1] != "little 64x48, 2 threads: 4 of 4" {
		t.Errorf("progress %q", progress)
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > 1e-9*math.Abs(want) {
		t.Errorf("%s is %g, want %g", what, got, want)
	}
}

// TestTrain: a step changes the weights that it measures with, and leaks no memory.
func TestTrain(t *testing.T) {
	o := options()
	o.Train, o.Batch, o.Objective = true, 2, model.DefaultObjective()
	b, _, err := open(1)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	w, err := newWorkload(o, b, o.Sizes[0])
	if err != nil {
		t.Fatal(err)
	}
	stem := w.m.Params[0]
	before, after := make([]float32, stem.Len()), make([]float32, stem.Len())
	b.Download(before, stem.Tensor)
	for range 2 { // the first step moves only the head, which starts at zero
		if err := w.pass(); err != nil {
			t.Fatal(err)
		}
	}
	b.Download(after, stem.Tensor)
	if fmt.Sprint(before) == fmt.Sprint(after) {
		t.Errorf("%s has not moved in two steps", stem.Name)
	}
	w.free()
	if used := b.(*cpu.Backend).Used(); used != 0 {
		t.Errorf("%d bytes are still allocated", used)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*Options)
	}{
		{"batch 0: use 1", func(o *Options) { o.Batch = 0 }},
		{"BatchNorm needs 2", func(o *Options) { o.Train = true }},
		{"both must be in 0..1000000", func(o *Options) { o.Runs = -1 }},
		{"both must be in 0..1000000", func(o *Options) { o.Runs = math.MaxInt }}, {"both must be in 0..1000000", func(o *Options) { o.Warmup = math.MaxInt }},
		{"use 1 to 1024", func(o *Options) { o.Threads = []int{1_000_000} }},
		{"a profile needs runs", func(o *Options) { o.Runs, o.Profile = 0, true }},
		{"give a size", func(o *Options) { o.Sizes = nil }},
		{"threads -1: use 1", func(o *Options) { o.Threads = []int{-1} }},
		{"size 100x64: the network takes sides that are multiples of 16, at least 16: use 112x64", func(o *Options) { o.Sizes = []Size{{100, 64}} }},
		{"top_experts", func(o *Options) { o.Subject.Config.TopExperts = 9 }},
		{"no such device", func(o *Options) {
			o.Open = func(int) (kernels.Backend, string, error) { return nil, "", errors.New("no such device") }
		}},
	} {
		o := options()
		c.change(&o)
		if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, options()); err == nil || !strings.Contains(err.Error(), "interrupted at 32 with 1 thread") {
		t.Errorf("interrupted: %v", err)
	}
}

// faulty is a device whose work fails.
type faulty struct{ kernels.Backend }

func (faulty) Sync() error { return errors.New("bad block") }

func TestRunReportsFaults(t *testing.T) {
	o := options()
	o.Profile, o.Peak = true, true
	o.Open = func(threads int) (kernels.Backend, string, error) {
		b, name, err := open(threads)
		return faulty{b}, name, err
	}
	if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "bad block") {
		t.Errorf("error %v", err)
	}
	b, _, _ := o.Open(1)
	defer b.Close()
	p := peak{}
	p.measure(b)
	if p.rate > 1e-3 {
		t.Errorf("a faulty device has a peak of %g", p.rate)
	}
}
