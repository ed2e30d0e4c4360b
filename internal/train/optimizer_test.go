package train

import (
	"io"
	"math"
	"slices"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/autograd"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/kernels/cpu"
	"clusir/internal/kernels/ref"
	"clusir/internal/model"
	"clusir/internal/testnet"
)

// TestAverage: each step moves the average by 1−EMA of the way to the weights, also for
// tensors that the step leaves as they are.
func TestAverage(t *testing.T) {
	b := ref.New()
	m, err := model.New(testnet.Small(), b)
	if err != nil {
		t.Fatal(err)
	}
	m.Init(1)
	o := newOptimizer(m, b, config.Train{EMA: 0.75})
	var before [][]float32
	for _, p := range m.Tensors() {
		before = append(before, autograd.Fetch(b, p.Tensor))
		b.Fill(p.Tensor, 3)
	}
	o.step(0)
	for i, p := range m.Tensors() {
		for j, x := range autograd.Fetch(b, o.average[i]) {
			if want := 0.75*before[i][j] + 0.25*3; math.Abs(float64(x-want)) > 1e-6 {
				t.Fatalf("the average of %s[%d] is %g, want %g", p.Name, j, x, want)
			}
		}
	}
}

// begun returns a run before its first step, and that step's batch.
func begun(t *testing.T, c *config.Config) (*run, *dataset.Batch) {
	t.Helper()
	b, err := cpu.New(cpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	set, report, err := dataset.Open(dataOptions(c, 0))
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRun(Options{Config: c, Backend: b, Out: t.TempDir(), Messages: io.Discard}.inGroup(), set, report)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	loader, err := set.Load(t.Context(), dataset.LoadOptions{Batch: c.Train.Batch, Parts: c.Train.Accumulate})
	if err != nil {
		t.Fatal(err)
	}
	defer loader.Close()
	batch, err := loader.Next()
	if err != nil {
		t.Fatal(err)
	}
	return r, batch
}

// gradients returns the gradients of all parameters.
func (r *run) gradients() (all []float32) {
	for _, p := range r.m.Params {
		all = append(all, autograd.Fetch(r.Backend, p.Grad())...)
	}
	return all
}

// ofPart returns the gradients and terms of one part of a batch.
func ofPart(t *testing.T, r *run, batch *dataset.Batch, part, parts int) ([]float32, model.Terms) {
	t.Helper()
	r.m.ZeroGrads()
	terms, err := r.microBatch(batch, part, parts)
	if err != nil {
		t.Fatal(err)
	}
	return r.gradients(), terms
}

// TestParts: a part of a batch has the loss of a batch of its own, and its gradients divided
// by the number of parts. The settings of the objective take part in it.
func TestParts(t *testing.T) {
	c := small(photographs(t))
	c.Train.RelativeError = true
	r, batch := begun(t, c)
	const parts = 2
	n := batch.B / parts
	size := n * 3 * batch.P * batch.P
	for p := range parts {
		got, terms := ofPart(t, r, batch, p, parts)
		alone := &dataset.Batch{B: n, P: batch.P, Input: batch.Input[p*size:][:size], Target: batch.Target[p*size:][:size], First: batch.First[p:]}
		whole, want := ofPart(t, r, alone, 0, 1)
		if terms != want {
			t.Errorf("part %d: %+v, want %+v", p, terms, want)
		}
		for i, g := range whole {
			if math.Abs(float64(parts*got[i]-g)) > 1e-6 {
				t.Fatalf("part %d: gradient %d is %g, want a half of %g", p, i, got[i], g)
			}
		}
	}
	before, terms := ofPart(t, r, batch, 0, parts)
	if want := terms.L1 + r.t.MSSSIMWeight*(1-terms.MSSSIM) + r.t.OrthogonalityWeight*terms.Orthogonality; math.Abs(terms.Loss-want) > 1e-6 {
		t.Errorf("the loss is %g, its terms add up to %g", terms.Loss, want)
	}
	for name, change := range map[string]func(r *run){
		"relative_error":       func(r *run) { r.t.RelativeError = false },
		"smooth_l1":            func(r *run) { r.t.SmoothL1 = 0.5 },
		"balance_weight":       func(r *run) { r.t.BalanceWeight = 0.5 },
		"ms_ssim_weight":       func(r *run) { r.t.MSSSIMWeight++ },
		"orthogonality_weight": func(r *run) { r.t.OrthogonalityWeight++ },
		"the noise of a step":  func(r *run) { r.step++ },
	} {
		changed := *r
		change(&changed)
		if after, _ := ofPart(t, &changed, batch, 0, parts); slices.Equal(after, before) {
			t.Errorf("%s changes nothing", name)
		}
	}
}

// TestAdvance: steps are made at the schedule's rate, from gradients that are clipped as a
// whole and begin at zero, and their entries in the log are means over the batch.
func TestAdvance(t *testing.T) {
	c := small(photographs(t))
	c.Train.Optimizer, c.Train.GradClip, c.Train.LogInterval = "muon", 1e-3, 2
	r, batch := begun(t, c)
	before := autograd.Fetch(r.Backend, r.m.Params[0].Tensor)
	r.recipe, r.responses = "of other weights", "of other weights"
	terms, err := r.advance(batch)
	if err != nil {
		t.Fatal(err)
	}
	if !r.changed || r.recipe != "" || r.responses != "" {
		t.Errorf("after a step: changed %t, recipe %q, responses %q", r.changed, r.recipe, r.responses)
	}
	e := r.entry(terms, 1)
	if e.LR != 5e-4 || len(e.Posterior) > 0 {
		t.Errorf("step 1 of two of warmup has the rate %g, and the posteriors %v", e.LR, e.Posterior)
	}
	furthest, norm := 0.0, 0.0
	for i, x := range autograd.Fetch(r.Backend, r.m.Params[0].Tensor) {
		furthest = max(furthest, math.Abs(float64(x-before[i])))
	}
	for _, p := range r.opt.params { // after the first step, moments are the gradients times a constant
		share := 0.1
		if p.V.IsZero() {
			share = 1 - muonMomentum
		}
		for _, m := range autograd.Fetch(r.Backend, p.M) {
			norm += math.Pow(float64(m)/share, 2)
		}
	}
	if norm = math.Sqrt(norm); math.Abs(furthest-5e-4) > 1e-5 || math.Abs(norm-1e-3) > 1e-6 {
		t.Errorf("the first step moves weights by up to %g at a gradient of %g", furthest, norm)
	}
	r.opt.clip, r.plan.LR, r.plan.MinLR = 0, 0, 0
	var first []float32
	for range 2 {
		r.step = 1
		if terms, err = r.advance(batch); err != nil {
			t.Fatal(err)
		}
		if again := r.gradients(); first != nil && !slices.Equal(again, first) {
			t.Error("the gradients of a step remain for the next one")
		} else {
			first = again
		}
	}
	e = r.entry(terms, 1)
	for l, p := range e.Posterior {
		if sum := total(p); math.Abs(sum-1) > 1e-3 || !(e.Entropy[l] > 0 && e.Entropy[l] <= 1) {
			t.Errorf("stage %d: the posterior adds up to %g, with an entropy of %g", l+1, sum, e.Entropy[l])
		}
		if sum := total(e.Experts[l]); sum != float64(r.m.Config.TopClusters[l]*r.m.Config.TopExperts) {
			t.Errorf("stage %d: a sample takes %g experts", l+1, sum)
		}
	}
	if len(e.Posterior) != arch.Stages || math.Abs(e.Loss-(e.L1+r.t.MSSSIMWeight*(1-e.MSSSIM)+r.t.OrthogonalityWeight*e.Orthogonality)) > 1e-6 {
		t.Errorf("the second step has the entry %+v, %+v", e, e.Terms)
	}
}

func total(xs []float64) (sum float64) {
	for _, x := range xs {
		sum += x
	}
	return sum
}
