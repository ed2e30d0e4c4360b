package eval

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"clusir/internal/infer"
)

// routed returns a report of images with known routes.
func routed() *Report {
	return &Report{
		Splits: []SplitResult{
			{Split: Split{Benchmark: "a", Task: "denoise"}}, {Split: Split{Benchmark: "b", Task: "derain"}},
		},
		Images: []ImageResult{
			{Benchmark: "a", Posterior: [][]float32{{.5, .5}, {1}}, Experts: [][]float32{{.2, .3, .5, 0}, {1, 0}}},
			{Benchmark: "a", Posterior: [][]float32{{1, 0}, {1}}, Experts: [][]float32{{0, 1, 0, 0}, {0, 1}}},
			{Benchmark: "b", Posterior: [][]float32{{0, 1}, {1}}, Experts: [][]float32{{0, 0, .25, .75}, {0, 1}}},
			{Benchmark: "b", Err: "unreadable"},
		},
	}
}

func TestRouting(t *testing.T) {
	got, err := json.Marshal(routed().Routing())
	if err != nil {
		t.Fatal(err)
	}
	const want = `[` +
		`{"stage":1,"task":"denoise","images":2,"posterior":[0.75,0.25],"entropy":0.5,"chosen":[0.5,1,0.5,0],"weight":[0.1,0.65,0.25,0]},` +
		`{"stage":1,"task":"derain","images":1,"posterior":[0,1],"entropy":0,"chosen":[0,0,1,1],"weight":[0,0,0.25,0.75]},` +
		`{"stage":2,"task":"denoise","images":2,"posterior":[1],"entropy":1,"chosen":[0.5,0.5],"weight":[0.5,0.5]},` +
		`{"stage":2,"task":"derain","images":1,"posterior":[1],"entropy":1,"chosen":[0,1],"weight":[0,1]}]`
	if shortened(string(got)) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// shortened cuts off the tail of float32 fractions.
func shortened(text string) string {
	return strings.NewReplacer("0.10000000149011612", "0.1", "0.6500000059604645", "0.65").Replace(text)
}

func TestRoutingTable(t *testing.T) {
	text := func(r *Report) string {
		var b bytes.Buffer
		if err := r.routingTable().Write(&b, "text"); err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(b.String()), " ")
	}
	got := text(routed())
	for _, want := range []string{
		"stage task images p1 p2 entropy of 1 of 2",
		"1 denoise 2 0.750 0.250 0.500 50 100 50 0 1 derain 1 0.000 1.000 0.000 0 0 100 100",
		"2 denoise 2 1.000 – 1.000 50 50 –", // one cluster fewer
		"stage 1: farthest apart are denoise and derain, by 0.750 of the probability",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	if got := text(&Report{}); !strings.Contains(got, "no routing") {
		t.Errorf("an empty report: %q", got)
	}
}

// TestRoutesAreMeasured: in a real run, each posterior sums to 1, and so do the
// experts' weights.
func TestRoutesAreMeasured(t *testing.T) {
	net := openNano(t, 1, 2)[0]
	r := mustRun(t, []*infer.Network{net}, options(t))
	rows := r.Routing()
	stages := len(net.Model.MoE)
	if len(rows) != 2*stages {
		t.Fatalf("%d rows, want two tasks in each of %d stages", len(rows), stages)
	}
	for _, row := range rows {
		if p, w := sum(row.Posterior), sum(row.Weight); math.Abs(p-1) > 1e-5 || math.Abs(w-1) > 1e-5 || row.Entropy <= 0 || row.Entropy > 1 {
			t.Errorf("%+v: the posterior sums to %g, the experts' weights to %g", row, p, w)
		}
	}
}

func sum(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s
}
