package autograd

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/ref"
)

func leaf(b kernels.Backend, needs bool, shape ...int) *Var {
	v := Leaf(b.Alloc(shape...), needs)
	x := make([]float32, v.Len())
	for i := range x {
		x[i] = float32((i*7919+3)%101)/50 - 1
	}
	b.Upload(v.Tensor, x)
	return v
}

// chain runs n blocks of h ← Normalize(Softmax(h wᵀ) wᵀ) that release as they go.
func chain(t *Tape, h, w *Var, n int) *Var {
	for range n {
		in := h
		h = t.Block(func() *Var {
			s := t.Softmax(Last(t.Linear(Last(in), w, nil)))
			return t.Normalize(Last(t.Linear(Last(s), w, nil)))
		})
	}
	return h
}

// TestRecompute: recomputed blocks cost a second forward, save memory, and change no
// bit.
func TestRecompute(t *testing.T) {
	type outcome struct {
		y, dw, dx []float64
		peak      int
		macs      int64
	}
	run := func(recompute bool) outcome {
		b := &counting{Backend: ref.New()}
		x, w := leaf(b, true, 4, 16), leaf(b, true, 16, 16)
		tape := &Tape{B: b, Train: true, Recompute: recompute}
		b.peak = 0
		y := chain(tape, x, w, 6)
		o := outcome{y: b.Download64(y.Tensor)}
		loss := tape.Orthogonality(y)
		tape.Backward(Seed{loss, 1})
		tape.Reset()
		o.dw, o.dx, o.peak, o.macs = b.Download64(w.Grad()), b.Download64(x.Grad()), b.peak, tape.MACs
		if b.live != 4 {
			t.Errorf("recompute %v: %d tensors are alive, not the two leaves and their gradients", recompute, b.live)
		}
		return o
	}
	plain, again := run(false), run(true)
	if !slices.Equal(plain.y, again.y) || !slices.Equal(plain.dw, again.dw) || !slices.Equal(plain.dx, again.dx) {
		t.Error("recomputation changes results")
	}
	if 3*again.peak > 2*plain.peak {
		t.Errorf("peak of %d tensors with recomputation, %d without", again.peak, plain.peak)
	}
	if want := int64(6 * 2 * 4 * 16 * 16); plain.macs != want || again.macs != want {
		t.Errorf("MACs %d and %d, want %d", plain.macs, again.macs, want)
	}
}

// counting counts the tensors that are alive.
type counting struct {
	*ref.Backend
	live, peak int
}

func (c *counting) Alloc(shape ...int) kernels.Tensor {
	c.live++
	c.peak = max(c.peak, c.live)
	return c.Backend.Alloc(shape...)
}

func (c *counting) Free(t kernels.Tensor) {
	if !t.IsZero() {
		c.live--
	}
	c.Backend.Free(t)
}

// TestInferenceFrees: a chain with releases holds few tensors; blocks free what the
// model did not release; Reset frees the rest.
func TestInferenceFrees(t *testing.T) {
	b := &counting{Backend: ref.New()}
	x, w := leaf(b, true, 4, 16), leaf(b, true, 16, 16)
	tape := &Tape{B: b}
	chain(tape, x, w, 6)
	if b.peak > 2+2 {
		t.Errorf("released chain: peak of %d tensors besides the leaves", b.peak-2)
	}
	forgetful := tape.Block(func() *Var { return tape.Softmax(tape.Softmax(x)) })
	if b.live != 2+2 {
		t.Errorf("after the block %d results are alive, want 2", b.live-2)
	}
	if forgetful.freed || x.freed {
		t.Error("the block freed its result or its input")
	}
	tape.Reset()
	if b.live != 2 {
		t.Errorf("after Reset %d tensors are alive, want the leaves", b.live)
	}
}

// TestSideEffectsHappenOnce: BatchNorm's running statistics and the experts' counts
// change once although the block runs twice.
func TestSideEffectsHappenOnce(t *testing.T) {
	for _, recompute := range []bool{false, true} {
		b := ref.New()
		x, one, mean, variance, count := leaf(b, true, 3, 2), leaf(b, true, 2), leaf(b, false, 2), leaf(b, false, 2), leaf(b, false, 2)
		b.Fill(mean.Tensor, 0)
		b.Fill(count.Tensor, 0)
		b.Upload(x.Tensor, []float32{1, 1, 2, 0, 3, 5})
		tape := &Tape{B: b, Train: true, Recompute: recompute}
		y := tape.Block(func() *Var {
			tape.CountRouted(count, x)
			return tape.BatchNorm(x, one, one, mean, variance)
		})
		tape.Backward(Seed{tape.Orthogonality(y), 1})
		tape.Reset()
		if got := b.Download64(mean.Tensor); fmt.Sprintf("%.3f", got) != "[0.200 0.200]" {
			t.Errorf("recompute %v: running mean %v", recompute, got)
		}
		if got := b.Download64(count.Tensor); !slices.Equal(got, []float64{3, 2}) {
			t.Errorf("recompute %v: counts %v", recompute, got)
		}
	}
}

// TestOwnership covers Keep, Detach, release and frozen leaves.
func TestOwnership(t *testing.T) {
	b := ref.New()
	x, frozen := leaf(b, true, 2, 3), leaf(b, false, 2, 3)
	live := b.Live()
	tape := &Tape{B: b, Train: true}
	kept, dropped, taken := tape.Softmax(x), tape.Softmax(x), tape.Softmax(x)
	tape.Keep(kept)
	mine := tape.Detach(taken)
	still := tape.Softmax(frozen)
	loss := tape.Orthogonality(tape.Add(tape.Add(kept, dropped), taken))
	for _, v := range []*Var{kept, dropped, taken, still, x, nil} {
		tape.release(v)
	}
	if !still.freed || dropped.freed {
		t.Error("release must free exactly what the backward pass does not read")
	}
	tape.Backward(Seed{loss, 1})
	if kept.freed || !dropped.freed || x.freed {
		t.Error("Backward must free everything but kept results and leaves")
	}
	tape.Reset()
	if !kept.freed || mine.freed || !frozen.Grad().IsZero() {
		t.Error("Reset must free kept results but not detached ones; a frozen leaf must have no gradient")
	}
	b.Download64(mine.Tensor)
	mine.Free(b)
	mine.Free(b) // idempotent
	ZeroGrads(b, x)
	if g := b.Download64(x.Grad()); !slices.Equal(g, make([]float64, 6)) {
		t.Errorf("ZeroGrad leaves %v", g)
	}
	ZeroGrads(b, frozen)
	if b.Live() != live+1 {
		t.Errorf("%d tensors are alive, want the leaves and one gradient, %d", b.Live(), live+1)
	}
}

// TestGradientsAddUp: two backward passes add up their gradients.
func TestGradientsAddUp(t *testing.T) {
	b := ref.New()
	x := leaf(b, true, 2, 3)
	tape := &Tape{B: b, Train: true}
	for _, w := range []float32{0.25, 0.75} {
		tape.Backward(Seed{tape.Orthogonality(x), w})
		tape.Reset()
	}
	twice := b.Download64(x.Grad())
	ZeroGrads(b, x)
	tape.Backward(Seed{tape.Orthogonality(x), 1})
	if d := distance(twice, b.Download64(x.Grad())); d > 1e-12 {
		t.Errorf("a quarter and three quarters differ from the whole by %.1e", d)
	}
}

// TestPanics: the panic for a wrong shape names the operation and its shapes.
func TestPanics(t *testing.T) {
	b := NewShapes()
	v := func(shape ...int) *Var { return Leaf(b.Alloc(shape...), false) }
	tape := &Tape{B: b}
	for _, c := range []struct {
		want string
		run  func()
	}{
		{"Add: operands of shapes [2 3], [3 2]", func() { tape.Add(v(2, 3), v(3, 2)) }},
		{"Linear: operands of shapes [2 3], [4 5], absent", func() { tape.Linear(v(2, 3), v(4, 5), nil) }},
		{"MeanHW: operands of shapes [2 3]", func() { tape.MeanHW(v(2, 3)) }},
		{"Conv1x1", func() { tape.Conv1x1(v(2, 3), nil, v(1, 2, 2, 2)) }},
		{"ConvUp", func() { tape.ConvUp(v(1, 2, 2, 2), v(2, 2, 3, 3)) }},
		{"ConvDown", func() { tape.ConvDown(v(1, 2, 3, 2), v(2, 2, 3, 3)) }},
		{"DynamicFilter: operands of shapes [1 2 1 4], [1 1 9]", func() { tape.DynamicFilter(v(1, 2, 1, 4), v(1, 1, 9)) }},
		{"DynamicFilter", func() { tape.DynamicFilter(v(1, 2, 4, 4), v(1, 1, 8)) }},
		{"AttentionMap", func() { tape.AttentionMap(v(1, 4, 2, 2), v(12, 4), v(3)) }},
		{"MSSSIM: operands of shapes [1 3 10 40], [1 3 10 40]", func() { tape.MSSSIM(v(1, 3, 10, 40), v(1, 3, 10, 40)) }},
		{"MSSSIM", func() { tape.MSSSIM(v(1, 3, 40, 10), v(1, 3, 40, 10)) }},
		{"TopKSoftmax", func() { tape.TopKSoftmax(v(1, 4), 5) }},
		{"BatchNorm: a training batch of 1", func() { (&Tape{B: b, Train: true}).BatchNorm(v(1, 4), v(4), v(4), v(4), v(4)) }},
		{"Input", func() { tape.Input(make([]float32, 5), 2, 3) }},
		{"Block: the result was not made", func() { tape.Block(func() *Var { return v(1) }) }},
		{"Softmax: an input of shape [2 3] was already released", func() { y := tape.Softmax(v(2, 3)); tape.Add(y, Last(y)); tape.Softmax(y) }},
		{"Softmax: an input of shape [2 3] was already released", func() { y := tape.Softmax(v(2, 3)); tape.release(y); tape.Softmax(y) }},
	} {
		if got := panicOf(c.run); !strings.Contains(got, c.want) {
			t.Errorf("panic %q, want %q", got, c.want)
		}
	}
}

func panicOf(f func()) (message string) {
	defer func() { message = fmt.Sprint(recover()) }()
	f()
	return ""
}

// TestDry: without numbers the tape counts the same MACs and memory as with them.
func TestDry(t *testing.T) {
	run := func(b kernels.Backend, train bool) (events []string, macs int64) {
		tape := &Tape{B: b, Train: train, Trace: func(e Event) { events = append(events, fmt.Sprint(e.Op, e.Backward, e.MACs)) }}
		y := chain(tape, leaf(b, true, 4, 16), leaf(b, true, 16, 16), 3)
		if train {
			tape.Backward(Seed{tape.Orthogonality(y), 1})
		}
		if err := tape.Sync(); err != nil {
			t.Fatal(err)
		}
		tape.Reset()
		return events, tape.MACs
	}
	dry, real := NewShapes(), ref.New()
	got, macs := run(dry, false)
	want, wantMACs := run(real, false)
	if !slices.Equal(got, want) || macs != wantMACs || macs != 3*2*4*16*16 {
		t.Errorf("dry: %v, %d MACs; real: %v, %d MACs", got, macs, want, wantMACs)
	}
	if dry.Live() != 4*16+16*16 || dry.Peak() != dry.Live()+2*4*16 {
		t.Errorf("dry inference: %d elements alive, at most %d", dry.Live(), dry.Peak())
	}
	run(dry, true)
	if want := int64(3 * (4*16 + 16*16)); dry.Live() != want {
		t.Errorf("dry training: %d elements alive, want leaves and gradients, %d", dry.Live(), want)
	}
}

// TestFault: a fault that Trace's Sync finds is returned by the tape's Sync, once.
func TestFault(t *testing.T) {
	b := &faulty{Backend: ref.New(), fault: fmt.Errorf("bad block")}
	tape := &Tape{B: b, Trace: func(Event) {}}
	tape.Softmax(leaf(b, false, 2, 2))
	if err := tape.Sync(); err == nil || err.Error() != "bad block" {
		t.Errorf("Sync returns %v", err)
	}
	if err := tape.Sync(); err != nil {
		t.Errorf("the second Sync returns %v", err)
	}
}

type faulty struct {
	*ref.Backend
	fault error
}

func (f *faulty) Sync() error {
	err := f.fault
	f.fault = nil
	return err
}
