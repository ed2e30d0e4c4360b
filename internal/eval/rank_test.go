package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// ranked makes up the report of a method with a PSNR for each image.
func ranked(name string, psnr ...float64) *Report {
	r := &Report{Protocol: Protocol{Name: "promptir"}, Subject: Subject{Model: name, Restored: name}}
	for i, v := range psnr {
		r.Images = append(r.Images, ImageResult{Index: i, Benchmark: "b", Image: fmt.Sprint(i), Output: Quality{v, 0.5}, Picture: &Picture{Format: "PNG", Depth: 8}})
	}
	r.Splits = []SplitResult{summarise(Split{Benchmark: "b", Title: "B", Found: len(psnr)}, r.Images)}
	return r
}

// TestRank checks the example of scipy.stats.friedmanchisquare's documentation: heart
// rates before, right after and five minutes after exercise.
func TestRank(t *testing.T) {
	before := ranked("before", 72, 96, 88, 92, 74, 76, 82)
	after := ranked("after", 120, 120, 132, 120, 101, 96, 112)
	later := ranked("later", 76, 95, 104, 96, 84, 72, 76)
	k, err := rankReports([]*Report{before, after, later}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(k.Friedman-10.571428571) > 1e-8 || math.Abs(k.P-0.00506341) > 1e-8 {
		t.Errorf("χ² = %g, p = %g", k.Friedman, k.P)
	}
	for i, want := range []struct {
		name string
		rank float64
		best int
	}{{"after", 1, 7}, {"later", 17. / 7, 0}, {"before", 18. / 7, 0}} {
		if m := k.Methods[i]; m.Model != want.name || math.Abs(m.Rank-want.rank) > 1e-12 || m.Best != want.best || (m.Behind == nil) != (i == 0) {
			t.Errorf("place %d: %+v, want %+v", i+1, m, want)
		}
	}
	c, err := Compare(after, later, 0)
	if err != nil || *k.Methods[1].Behind.Low != *c.Splits[0].PSNR.Low {
		t.Errorf("the interval is %+v, that of a comparison %+v, %v", k.Methods[1].Behind, c.Splits[0].PSNR, err)
	}
	golden(t, "rank", k.table())
	if _, err := json.Marshal(k); err != nil {
		t.Error(err)
	}
}

// TestRankTies: equal methods have equal ranks and are all best.
func TestRankTies(t *testing.T) {
	k, err := rankReports([]*Report{ranked("a", 30, 31), ranked("b", 30, 31), ranked("c", 30, 31)}, 0)
	if err != nil || k.P != 1 || k.Friedman != 0 || k.Methods[0].Rank != 2 || k.Methods[2].Best != 2 {
		t.Errorf("all are equal: %+v, %v", k, err)
	}
	many := slices.Repeat([]float64{30, 31}, 12)[1:] // 1/23 is rounded
	if k, err = rankReports([]*Report{ranked("a", many...), ranked("b", many...)}, 0); err != nil || k.Methods[0].Rank != 1.5 {
		t.Errorf("all of many are equal: %+v, %v", k, err)
	}
	k, err = rankReports([]*Report{ranked("a", 30, 31), ranked("b", 30, 31), ranked("c", 29, 32)}, 0)
	if err != nil || k.Friedman != 0 || k.Methods[0].Rank != 2 {
		t.Errorf("%+v, %v", k, err)
	}
}

// TestRankLeavesOut: an image for which one method has no result counts for none.
func TestRankLeavesOut(t *testing.T) {
	a, b := ranked("a", 30, 31, 33), ranked("b", 29, 35, 34)
	b.Images[1].Err, b.Splits[0].Images, b.Splits[0].Failed = "damaged", 2, 1
	a.Images[2].Output.PSNR = math.Inf(1)
	k, err := rankReports([]*Report{a, b}, 0)
	if err != nil || k.Images != 1 || k.Methods[0].Model != "a" || k.Methods[0].Best != 1 || k.Methods[1].Behind.Mean != -1 ||
		!strings.Contains(strings.Join(k.LeftOut, "\n"), "b 1, b: damaged") || len(k.LeftOut) != 2 {
		t.Errorf("%+v, %v", k, err)
	}
}

func TestRankErrors(t *testing.T) {
	for want, change := range map[string]func(*Report){
		"measured differently": func(r *Report) { r.Protocol.Seed = 1 },
		"are called a":         func(r *Report) { r.Model = "a" },
		"same images":          func(r *Report) { r.Images[0].Image = "stranger" },
		"its input has":        func(r *Report) { r.Images[0].Input.PSNR = math.Inf(1) },
		"same benchmarks":      func(r *Report) { r.Splits[0].Benchmark = "other" },
		"none of the 2 images can be ranked, as each lacks a result of some method; the first: b 0, b: x": func(r *Report) { r.Images[0].Err, r.Images[1].Err = "x", "x" },
	} {
		b := ranked("b", 30, 31)
		change(b)
		if _, err := rankReports([]*Report{ranked("a", 30, 31), b}, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one that says %q", err, want)
		}
	}
}
