package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// results makes up a report: n images for each of two noise levels and rain, with
// seeded random quality about a mean.
func results(n int, mean float64, seed uint64) *Report {
	r := &Report{Protocol: Protocol{Name: "promptir"}, Subject: Subject{Model: fmt.Sprintf("m%d", seed), Weights: fmt.Sprint(seed), Device: "cpu"}}
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, s := range []Split{{Benchmark: "noise", Title: "Noise", Label: "σ=15"}, {Benchmark: "noise", Title: "Noise", Label: "σ=25"}, {Benchmark: "rain", Title: "Rain"}} {
		s.Found, s.Expected = n, n
		var own []ImageResult
		for i := range n {
			own = append(own, ImageResult{Index: len(r.Images) + i, Benchmark: s.Benchmark, Split: s.Label, Image: fmt.Sprint("i", i), W: 16, H: 16,
				Output: Quality{mean + rng.NormFloat64(), 0.9 + 0.01*rng.NormFloat64()}})
		}
		r.Images = append(r.Images, own...)
		r.Splits = append(r.Splits, summarise(s, own))
	}
	return r
}

func TestCompare(t *testing.T) {
	const n = 50
	a, b := results(n, 30, 1), results(n, 30.5, 2)
	c, err := Compare(a, b, 7)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range c.Splits {
		want := b.Splits[i].Output.PSNR - a.Splits[i].Output.PSNR
		if s.PSNR.Mean != want || s.Images != n || s.Better+s.Worse != n {
			t.Errorf("%s: %+v, want a difference of %g", s.Name(), s, want)
		}
		// The difference of two normal variables has a standard deviation of √2.
		half := 1.96 * math.Sqrt2 / math.Sqrt(n)
		if got := (*s.PSNR.High - *s.PSNR.Low) / 2; math.Abs(got/half-1) > 0.3 || *s.PSNR.Low >= want || *s.PSNR.High <= want {
			t.Errorf("%s: %.3f ± %.3f, from %.3f to %.3f; theory has ± %.3f", s.Name(), want, got, *s.PSNR.Low, *s.PSNR.High, half)
		}
	}
	if want := (c.Splits[0].PSNR.Mean + c.Splits[1].PSNR.Mean + c.Splits[2].PSNR.Mean) / 3; math.Abs(c.Mean.PSNR.Mean-want) > 1e-12 {
		t.Errorf("the mean is %g, want %g", c.Mean.PSNR.Mean, want)
	}
	again, err := Compare(a, b, 7)
	if err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("the same seed gives different intervals: %v", err)
	}
	other, err := Compare(a, b, 8)
	if err != nil || *other.Mean.PSNR.Low == *c.Mean.PSNR.Low {
		t.Errorf("the seed changes nothing: %v", err)
	}
	text, err := json.Marshal(c)
	var back Comparison
	if err != nil || json.Unmarshal(text, &back) != nil || !reflect.DeepEqual(&back, c) {
		t.Errorf("JSON does not hold it: %v", err)
	}
}

// TestCompareKnown covers differences that need no statistics: images that all gain the
// same, a single image, and none.
func TestCompareKnown(t *testing.T) {
	a := results(4, 30, 1)
	b := results(4, 30, 1)
	for i := range b.Images {
		b.Images[i].Output.PSNR = a.Images[i].Output.PSNR + 0.25
	}
	c, err := Compare(a, b, 0)
	if err != nil || math.Abs(*c.Mean.PSNR.Low-0.25) > 1e-9 || math.Abs(*c.Mean.PSNR.High-0.25) > 1e-9 || *c.Mean.SSIM.Low != 0 {
		t.Errorf("all gain 0.25 dB: %+v, %v", c.Mean, err)
	}
	c, err = Compare(results(1, 30, 1), results(1, 31, 2), 0)
	if err != nil || c.Splits[0].PSNR.Low != nil || c.Mean.PSNR.Low != nil {
		t.Errorf("one image has an interval: %+v, %v", c, err)
	}
	var text strings.Builder
	if err := c.Table().Write(&text, "text"); err != nil || !strings.Contains(text.String(), "–") {
		t.Errorf("table: %v\n%s", err, text.String())
	}
}

// TestLevelsAreDrawnAlike: measuring a benchmark twice does not narrow the interval,
// while a second benchmark does.
func TestLevelsAreDrawnAlike(t *testing.T) {
	gains := make([][2]float64, 30)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range gains {
		gains[i][0] = rng.NormFloat64()
	}
	one, same, other := resample(gains, 0, "noise"), resample(gains, 0, "noise"), resample(gains, 0, "rain")
	width := func(x []float64) float64 {
		i := interval(0, x)
		return *i.High - *i.Low
	}
	once := width(one[0])
	if twice := width(average([][2][]float64{one, same}, 0)); math.Abs(twice-once) > 1e-12 {
		t.Errorf("an interval of %g becomes %g", once, twice)
	}
	if apart := width(average([][2][]float64{one, other}, 0)); apart > 0.8*once {
		t.Errorf("two benchmarks have an interval of %g, one of %g", apart, once)
	}
}

func TestCompareLeavesOut(t *testing.T) {
	a, b := results(3, 30, 1), results(3, 30, 2)
	fail := func(r *Report, i int) {
		r.Images[i].Err = "damaged"
		r.Splits[i/3].Images--
		r.Splits[i/3].Failed++
	}
	fail(a, 0)
	fail(b, 4)
	b.Images[8].Output.PSNR = math.Inf(1)
	c, err := Compare(a, b, 0)
	if err != nil || len(c.Images) != 6 || len(c.LeftOut) != 3 || c.Splits[0].Images != 2 || c.Splits[2].Better+c.Splits[2].Worse != 3 {
		t.Fatalf("%+v, %v", c, err)
	}
	for i, want := range []string{"noise σ=15 i0: damaged", "noise σ=25 i1: damaged", "rain i2: B equals the clean image"} {
		if !strings.Contains(c.LeftOut[i], want) {
			t.Errorf("left out: %q, want %q", c.LeftOut[i], want)
		}
	}
	golden(t, "compare", c.Table())
	golden(t, "compare-images", c.imageTable(4))
	if all := c.imageTable(0); len(all.Rows) != 6 || len(all.Remarks) != 5 || !strings.HasPrefix(all.Remarks[0], "protocol promptir") {
		t.Errorf("the list of all images: %+v", all)
	}
	if r := c.Report(b); len(r.Images) != 6 || r.Images[0].Input != a.Images[1].Output || r.Images[0].Output != b.Images[1].Output ||
		r.Splits[2].Images != 2 || r.Splits[2].Input != c.Splits[2].A || r.Splits[2].Output != c.Splits[2].B {
		t.Errorf("as a report: %+v", r)
	}
	less := *b
	less.Splits, less.Images = slices.Delete(slices.Clone(b.Splits), 1, 2), slices.Delete(slices.Clone(b.Images), 3, 6)
	if common, index := Common(a, &less); len(common[0].Images) != 6 || common[0].Images[3].name() != "rain i0" || index[0][6] != 3 || index[1][6] != 3 {
		t.Errorf("without a part: %+v, %v", common[0], index)
	}
}

// TestComparePerfect: two that restored every image to the clean one do not differ.
func TestComparePerfect(t *testing.T) {
	r := results(3, 30, 1)
	for i := range r.Images {
		r.Images[i].Output.PSNR = math.Inf(1)
	}
	c, err := Compare(r, r, 0)
	if err != nil || c.Splits[0].Perfect != 3 || c.Splits[0].Better+c.Splits[0].Worse != 0 || len(c.LeftOut) != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	for format, want := range map[string]string{"text": "Noise σ=15: A and B both equal the clean image in 3 images of 3", "json": `"images":[]`} {
		for _, images := range []bool{false, true} {
			var b strings.Builder
			if err := c.Write(&b, format, images); err != nil || !strings.Contains(b.String(), want) || strings.Contains(b.String(), "mean of 0") {
				t.Errorf("%s: %v\n%s", format, err, b.String())
			}
		}
	}
}

func TestCompareErrors(t *testing.T) {
	for want, change := range map[string]func(*Report){
		"measured differently": func(r *Report) { r.Protocol.Seed = 1 },
		"same benchmarks":      func(r *Report) { r.Splits = r.Splits[:2] },
		"in the other":         func(r *Report) { r.Images[1].Image = "stranger" },
		"noise σ=15 i1: its input has 0.00 dB in one and 21.00 dB in the other": func(r *Report) { r.Images[1].Input.PSNR = 21 },
		"its input has 0.00 dB in one and 0.02 dB":                              func(r *Report) { r.Images[1].Input.PSNR = 0.02 },
	} {
		b := results(3, 30, 2)
		change(b)
		if _, err := Compare(results(3, 30, 1), b, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one that says %q", err, want)
		}
	}
}
