package model

import (
	"math"
	"slices"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/autograd"
	"clusir/internal/kernels"
	"clusir/internal/kernels/cpu"
	"clusir/internal/kernels/ref"
	"clusir/internal/testnet"
)

// device is a backend that reports how much of its memory is in use.
type device struct {
	kernels.Backend
	alive func() int64
}

func refDevice() device {
	b := ref.New()
	return device{b, func() int64 { return int64(b.Live()) }}
}

func cpuDevice(t *testing.T) device {
	b, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return device{b, b.Used}
}

// download fetches a tensor.
func (d device) download(t kernels.Tensor) []float32 {
	x := autograd.Fetch(d, t)
	return x
}

// trained is the outcome of one training pass.
type trained struct {
	terms   Terms
	grads   map[string][]float32
	buffers map[string][]float32
}

// trainOnce runs one pass over a batch in micro-batches.
func trainOnce(t *testing.T, b device, c arch.Config, batch, micro int, recompute bool) trained {
	m := stir(newTestModel(t, b, c))
	m.ZeroGrads()
	before := b.alive()
	var r trained
	for first := 0; first < batch; first += micro {
		tape := &Tape{B: b, Train: true, Recompute: recompute}
		image, clean := part(b, batch, first, micro, 0), part(b, batch, first, micro, 0.1)
		restored, _ := m.Forward(tape, image, Options{Noise: Gaussian{Seed: 1, First: first}})
		loss := DefaultObjective().Loss(tape, m, restored, clean, nil)
		loss.Backward(tape, float64(micro)/float64(batch))
		r.terms = loss.Terms(b)
		tape.Reset()
		image.Free(b)
		clean.Free(b)
	}
	if now := b.alive(); now != before {
		t.Errorf("training leaves %d in use, %d before", now, before)
	}
	r.grads, r.buffers = map[string][]float32{}, map[string][]float32{}
	for _, p := range m.Params {
		r.grads[p.Name] = b.download(p.Grad())
	}
	for _, p := range m.Buffers {
		r.buffers[p.Name] = b.download(p.Tensor)
	}
	for l, e := range m.MoE {
		sum := float32(0)
		for _, n := range b.download(e.Count.Tensor) {
			sum += n
		}
		if want := float32(batch * c.TopClusters[l] * c.TopExperts); sum != want {
			t.Errorf("stage %d counted %g routed samples, want %g", l+1, sum, want)
		}
	}
	return r
}

// part returns samples first to first+n−1 of a batch, brightened by shift.
func part(b kernels.Backend, batch, first, n int, shift float32) *Var {
	whole := picture(b, batch, 16, 16)
	x := autograd.Fetch(b, whole.Tensor)
	whole.Free(b)
	size := len(x) / batch
	x = x[first*size : (first+n)*size]
	for i := range x {
		x[i] += shift
	}
	return leafOf(b, x, false, n, 3, 16, 16)
}

// TestRecompute: recomputation changes no bit of the gradients and of BatchNorm, and
// the counts stay the same.
func TestRecompute(t *testing.T) {
	t.Run("ref", func(t *testing.T) { recomputeChangesNothing(t, refDevice) })
	t.Run("cpu", func(t *testing.T) { recomputeChangesNothing(t, func() device { return cpuDevice(t) }) })
}

func recomputeChangesNothing(t *testing.T, open func() device) {
	plain, again := trainOnce(t, open(), testnet.Small(), 2, 2, false), trainOnce(t, open(), testnet.Small(), 2, 2, true)
	if plain.terms != again.terms {
		t.Errorf("terms %+v become %+v", plain.terms, again.terms)
	}
	for name, g := range plain.grads {
		if !slices.Equal(g, again.grads[name]) {
			t.Errorf("recomputation changes the gradient of %s", name)
		}
	}
	for name, v := range plain.buffers {
		if !slices.Equal(v, again.buffers[name]) {
			t.Errorf("recomputation changes %s", name)
		}
	}
}

// TestRecomputeSavesMemory counts base's training memory without running it.
func TestRecomputeSavesMemory(t *testing.T) {
	peak := func(recompute bool) int64 {
		b := autograd.NewShapes()
		m, err := New(arch.Base(), b)
		if err != nil {
			t.Fatal(err)
		}
		m.ZeroGrads()
		weights := b.Live()
		image := autograd.Leaf(b.Alloc(2, 3, 128, 128), false)
		tape := &Tape{B: b, Train: true, Recompute: recompute}
		restored, _ := m.Forward(tape, image, Options{})
		DefaultObjective().Loss(tape, m, restored, image, nil).Backward(tape, 1)
		tape.Reset()
		return b.Peak() - weights
	}
	plain, saved := peak(false), peak(true)
	t.Logf("base, batch 2 at 128²: %d MB between operations, %d MB recomputed", plain*4/1e6, saved*4/1e6)
	if float64(saved) > 0.6*float64(plain) {
		t.Errorf("recomputation holds %d of %d values", saved, plain)
	}
}

// TestMicroBatches: two halves of a batch add up to the whole. Without DAFMM, whose
// BatchNorm sees only the samples of its micro-batch.
func TestMicroBatches(t *testing.T) {
	c := testnet.Small()
	c.UseDAFMM = false
	whole, halves := trainOnce(t, refDevice(), c, 4, 4, false), trainOnce(t, refDevice(), c, 4, 2, false)
	for name, g := range whole.grads {
		for i, v := range g {
			if d := math.Abs(float64(v - halves.grads[name][i])); d > 1e-7+1e-5*math.Abs(float64(v)) {
				t.Fatalf("%s: gradient %g of the whole, %g of its halves", name, v, halves.grads[name][i])
			}
		}
	}
}

// TestUnreachedExpertsRest: experts that no sample reached keep their weights, and the
// others change.
func TestUnreachedExpertsRest(t *testing.T) {
	c := testnet.Small()
	c.UseDAFMM = false
	b := ref.New()
	m := stir(newTestModel(t, b, c))
	adam := newAdamState(b, m)
	image := picture(b, 1, 16, 16)
	tape := &Tape{B: b, Train: true}
	restored, _ := m.Forward(tape, image, Options{})
	DefaultObjective().Loss(tape, m, restored, picture(b, 1, 16, 16), nil).Backward(tape, 1)
	before := m.State()
	b.Adam(adam, goldenAdam)
	rested := 0
	for i, s := range m.State() {
		if i >= len(m.Params) || m.Params[i].Reached.IsZero() {
			continue
		}
		p := m.Params[i]
		same := slices.Equal(s.Data(), before[i].Data())
		unreached := b.Download64(p.Reached.Tensor)[p.Reached.Index] == 0
		if unreached {
			rested++
		}
		if unreached != same {
			t.Errorf("%s: unreached %v, unchanged %v", p.Name, unreached, same)
		}
	}
	if want := arch.Stages * c.Experts * 3; rested != want { // one cluster of three per stage, three weights per expert
		t.Errorf("%d tensors rested, want %d", rested, want)
	}
}
