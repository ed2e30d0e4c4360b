package published

import (
	"math"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	r, ok := Find("three-task", "ClusIR", "cbsd68-25")
	if !ok || r.PSNR != 31.45 || r.SSIM != 0.897 || r.Table != "1" {
		t.Errorf("got %+v, %v", r, ok)
	}
	if r, ok := Find("one-by-one", "ClusIR", "kodak24-50"); !ok || r.SSIM != 0 {
		t.Errorf("got %+v, %v; want a row without SSIM", r, ok)
	}
	if r, ok := Find("three-task", "ClusIR", "nowhere"); ok {
		t.Errorf("got %+v for a benchmark that is in no table", r)
	}
}

func TestParseRejects(t *testing.T) {
	for _, text := range []string{"h\n1\tx", "t\ts\tm\tv\tb\tp\ts\n1\tx\ty\tz\tb\tnot a number\t1"} {
		if _, err := parse(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

// TestDoubts checks every cell: the marked ones are those that the paper got wrong.
func TestDoubts(t *testing.T) {
	found := map[string]Doubt{}
	for _, r := range Rows() {
		if d := Doubts(r); d.Note != "" {
			found[r.Table+" "+r.Method+" "+r.Benchmark] = d
		} else if d.PSNR != r.PSNR || d.SSIM != r.SSIM {
			t.Errorf("%+v is ranked by %+v without a word", r, d)
		}
	}
	for cell, want := range map[string]struct {
		note       string
		psnr, ssim float64 // NaN: not ranked
	}{
		"8 ClusIR-S average":   {"own cells average 33.01 dB", 33.006, .921},
		"8 ClusIR-S cbsd68-50": {"above ClusIR-Base", math.NaN(), math.NaN()},
		"6 ClusIR average":     {"leaves out the survey's rows", 27.33, .8756},
		"6 PromptIR average":   {"own cells average 26.20 dB", 26.202, .850},
	} {
		d, ok := found[cell]
		if !ok || !strings.Contains(d.Note, want.note) || !near(d.PSNR, want.psnr) || !near(d.SSIM, want.ssim) {
			t.Errorf("%s: got %+v, %v; want %+v", cell, d, ok, want)
		}
		delete(found, cell)
	}
	for cell, d := range found {
		t.Errorf("%s is marked: %s", cell, d.Note)
	}
}

func near(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 1e-3
}

func TestSizes(t *testing.T) {
	for i, s := range Sizes {
		if i > 0 && (s.Params <= Sizes[i-1].Params || s.FLOPs <= Sizes[i-1].FLOPs) {
			t.Errorf("%s is not larger than the one before", s.Method)
		}
	}
}
