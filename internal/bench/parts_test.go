package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"clusir/internal/arch"
	"clusir/internal/model"
)

func TestParseSize(t *testing.T) {
	for _, c := range []struct {
		text string
		want Size
	}{{"256", Size{256, 256}}, {"480x320", Size{480, 320}}, {"16x16", Size{16, 16}}} {
		if got, err := parseSize(c.text); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", c.text, got, err)
		}
	}
	for _, text := range []string{"", "x", "0", "-16", "16x", "16x0", "16x16x16", "1e3", "99999999", "16 x 16"} {
		if got, err := parseSize(text); err == nil || !strings.Contains(err.Error(), "WIDTHxHEIGHT") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	for _, text := range []string{"256", "480x320", "x", "16x16x16", "+1", "0x10"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSize(text)
		if err != nil {
			return
		}
		if again, err := parseSize(s.String()); err != nil || again != s || min(s.W, s.H) < 1 {
			t.Errorf("%q is %v, which reads as %v, %v", text, s, again, err)
		}
	})
}

func TestSizeJSON(t *testing.T) {
	for s, want := range map[Size]string{{256, 256}: `256`, {480, 320}: `"480x320"`} {
		if b, err := json.Marshal(s); err != nil || string(b) != want {
			t.Errorf("%v is %s, want %s (%v)", s, b, want, err)
		}
	}
}

func TestSizeFitsNetwork(t *testing.T) {
	wide := arch.Base()
	wide.FSBKernel = 5
	for _, c := range []struct {
		config arch.Config
		size   Size
		use    string
	}{
		{arch.Base(), Size{16, 480}, ""},
		{arch.Base(), Size{481, 321}, "use 496x336"},
		{wide, Size{16, 32}, "at least 32: use 32"},
	} {
		err := c.size.check(c.config)
		if (err == nil) != (c.use == "") || err != nil && !strings.Contains(err.Error(), c.use) {
			t.Errorf("%v: %v, want %q", c.size, err, c.use)
		}
	}
}

// TestCompare fits data with a known exponent.
func TestCompare(t *testing.T) {
	var rs []Result
	for _, threads := range []int{1, 2} {
		for _, side := range []int{128, 256, 512} {
			ms := 3 * math.Pow(float64(side*side), 1.05) / float64(threads)
			rs = append(rs, Result{Size: Size{side, side}, Threads: threads, MsMedian: ms})
		}
	}
	compare(rs)
	for _, r := range rs {
		near(t, "exponent", r.Exponent, 1.05)
		if r.Threads == 2 {
			near(t, "speedup", r.Speedup, 2)
		} else if r.Speedup != 0 {
			t.Errorf("speedup %g over itself", r.Speedup)
		}
	}
	alone := []Result{{Size: Size{64, 64}, Threads: 1, MsMedian: 5}}
	if compare(alone); alone[0].Exponent != 0 {
		t.Errorf("exponent %g of one size", alone[0].Exponent)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		xs   []float64
		want float64
	}{{[]float64{7}, 7}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(c.xs); got != c.want {
			t.Errorf("median of %v is %g, want %g", c.xs, got, c.want)
		}
	}
}

// TestProfile: the parts add up to the whole, in time and in MACs.
func TestProfile(t *testing.T) {
	for _, train := range []bool{false, true} {
		o := options()
		o.Profile, o.Train, o.Objective = true, train, model.Objective{L1: 1}
		if train {
			o.Batch = 2
		}
		rs, err := Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		r := rs[0]
		var share, gmacs float64
		for _, p := range r.Profile {
			share += p.Share
			gmacs += p.GMACs
			if p.Calls <= 0 || p.Ms < 0 {
				t.Errorf("train %v: row %+v", train, p)
			}
		}
		if math.Abs(share-1) > 1e-6 || math.Abs(gmacs-r.GMACs) > 1e-6*r.GMACs {
			t.Errorf("train %v: shares add up to %g, MACs to %g of %g", train, share, gmacs, r.GMACs)
		}
		has := func(op string, backward bool) bool {
			return slices.ContainsFunc(r.Profile, func(p profileRow) bool { return p.Op == op && p.Backward == backward })
		}
		if !has("GatedFFN", false) || !has(between, false) || has("GatedFFN", true) != train || has("Adam", false) != train {
			t.Errorf("train %v: rows %+v", train, r.Profile)
		}
		if !slices.IsSortedFunc(r.Profile, func(a, b profileRow) int { return int(math.Copysign(1, b.Ms-a.Ms)) }) {
			t.Error("the longest operation is not first")
		}
		var out bytes.Buffer
		if err := writeText(&out, rs); err != nil || strings.Contains(out.String(), "GatedFFNGrad") != train || !strings.Contains(out.String(), "by operation") {
			t.Errorf("train %v: %v\n%s", train, err, &out)
		}
	}
}

func TestProfilerMean(t *testing.T) {
	p := &profiler{rows: map[profileKey]*profileRow{}}
	for range 4 {
		p.add("Linear", false, 5e8, 20*time.Millisecond)
		p.add("Linear", true, 0, 25*time.Millisecond)
	}
	got := p.mean(2, 200*time.Millisecond)
	want := []profileRow{
		{Op: "Linear", Backward: true, Calls: 2, Ms: 50, Share: 0.5, GMACs: 2, GMACsPerS: 40},
		{Op: "Linear", Calls: 2, Ms: 40, Share: 0.4, GMACs: 1, GMACsPerS: 25},
		{Op: between, Calls: 1, Ms: 10, Share: 0.1},
	}
	if !slices.Equal(got, want) {
		t.Errorf("mean\n%+v\nwant\n%+v", got, want)
	}
}

// results are two measurements that use every field.
func results() []Result {
	r := Result{
		Model: "out/my net.safetensors", Size: Size{480, 320}, Width: 480, Height: 320, Batch: 2, Params: 1234567, GMACs: 12.5, Precision: "float32",
		Device: "cpu avx2", ISA: "avx2", Threads: 2, Warmup: 1, Runs: 2, Ms: []float64{100, 300}, DevicePeak: 125, PeakOp: "Conv1x1",
		PeakRSSMB: 512.5, Exponent: 1.01, Speedup: 1.9,
	}
	r.rates()
	s := Result{Model: "tiny", Size: Size{128, 128}, Width: 128, Height: 128, Batch: 4, Train: true, GMACs: 1, Threads: 1, Runs: 1, Ms: []float64{20}}
	s.rates()
	return []Result{r, s}
}

func TestWriteJSON(t *testing.T) {
	var out bytes.Buffer
	if err := writeJSON(&out, results()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines of 2 results", len(lines))
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"model": "out/my net.safetensors", "size": "480x320", "width": 480.0, "height": 320.0, "batch": 2.0, "train": false,
		"params": 1234567.0, "gmacs": 12.5, "precision": "float32", "device": "cpu avx2", "isa": "avx2", "threads": 2.0,
		"ms_median": 200.0, "ms_min": 100.0, "ms_max": 300.0, "images_per_s": 10.0, "gmacs_per_s": 62.5,
		"peak_gmacs_per_s": 125.0, "share_of_peak": 0.5, "peak_rss_mb": 512.5, "exponent": 1.01, "speedup": 1.9,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if strings.Contains(lines[1], "peak_rss_mb") || !strings.Contains(lines[1], `"size":128,`) || !strings.Contains(lines[1], `"train":true`) {
		t.Errorf("the second line: %s", lines[1])
	}
}

func TestWriteGo(t *testing.T) {
	var out bytes.Buffer
	if err := writeGo(&out, results()); err != nil {
		t.Fatal(err)
	}
	want := "BenchmarkForward/my_net/2x480x320-2\t1\t100000000 ns/op\t125 GMAC/s\t512.5 peak-MB\n" +
		"BenchmarkForward/my_net/2x480x320-2\t1\t300000000 ns/op\t41.67 GMAC/s\t512.5 peak-MB\n" +
		"BenchmarkTrain/tiny/4x128-1\t1\t20000000 ns/op\t50 GMAC/s\t0 peak-MB\n"
	if _, got, _ := strings.Cut(out.String(), "pkg: clusir\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	line := regexp.MustCompile(`^Benchmark\S+\s+\d+(\s+\S+ \S+)+$`) // golang.org/design/14313-benchmark-format
	for _, l := range strings.Split(strings.TrimSpace(want), "\n") {
		if !line.MatchString(l) {
			t.Errorf("not a line of benchmark results: %s", l)
		}
	}
}

func TestWriteText(t *testing.T) {
	var out bytes.Buffer
	if err := writeText(&out, results()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"1,234,567  12.50  200.0  100.0  300.0     10.00   62.50      50%      512",
		"cpu avx2, float32, median of 2 after 1 to warm up",
		"peak with 2 threads: 125.0 GMAC/s, in Conv1x1",
		"time with 2 threads grows as pixels^1.010",
		"480x320 is 1.90 times as fast with 2 threads",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &out)
		}
	}
}
