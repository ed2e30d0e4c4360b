package autograd

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/ref"
)

// meeting is where two ranks add up their tensors.
type meeting struct {
	turn [2]chan []float64 // what rank i sends to the other
}

// peer is one rank of a meeting.
type peer struct {
	*meeting
	b    *ref.Backend
	rank int
	sums int
}

func (p *peer) Rank() int { return p.rank }
func (p *peer) Size() int { return 2 }
func (p *peer) Sum(x kernels.Tensor) {
	p.sums++
	mine := p.b.Download64(x)
	p.turn[p.rank] <- mine
	other := <-p.turn[1-p.rank]
	sum := make([]float64, len(mine))
	for i := range mine {
		sum[i] = mine[i] + other[i]
	}
	p.b.Upload64(x, sum)
}

// normalised is one rank's result for its rows of a batch.
type normalised struct {
	y, dx, dw, dbias, mean, variance []float64
	sums                             int
}

// normalise runs Σ weights·BatchNorm(x) forward and backward.
func normalise(b *ref.Backend, rows []float64, peers Peers, recompute bool, at int) normalised {
	const N = 3
	x, w, bias := Leaf(b.Alloc(len(rows)/N, N), true), leaf(b, true, N), leaf(b, true, N)
	mean, variance := leaf(b, false, N), leaf(b, false, N)
	b.Upload64(x.Tensor, rows)
	tape := &Tape{B: b, Train: true, Recompute: recompute, Peers: peers}
	y := tape.Block(func() *Var { return tape.BatchNorm(x, w, bias, mean, variance) })
	o := normalised{y: b.Download64(y.Tensor)}
	b.Upload64(tape.grad(y), weights(at + len(rows))[at:])
	tape.unwind(0)
	tape.Reset()
	o.dx, o.dw, o.dbias = b.Download64(x.Grad()), b.Download64(w.Grad()), b.Download64(bias.Grad())
	o.mean, o.variance = b.Download64(mean.Tensor), b.Download64(variance.Tensor)
	return o
}

// TestBatchNormAcrossRanks: two ranks with half of the rows each get the same result as
// one rank with all of them.
func TestBatchNormAcrossRanks(t *testing.T) {
	rows := make([]float64, 4*3)
	for i := range rows {
		rows[i] = float64((i*i*7+3)%11) / 5
	}
	for _, recompute := range []bool{false, true} {
		whole := normalise(ref.New(), rows, nil, recompute, 0)
		m := &meeting{[2]chan []float64{make(chan []float64, 1), make(chan []float64, 1)}}
		var parts [2]normalised
		var wg sync.WaitGroup
		for r := range parts {
			wg.Go(func() {
				b := ref.New()
				p := &peer{meeting: m, b: b, rank: r}
				parts[r] = normalise(b, rows[r*6:][:6], p, recompute, r*6)
				parts[r].sums = p.sums
			})
		}
		wg.Wait()
		sum := func(a, b []float64) []float64 {
			s := slices.Clone(a)
			for i := range s {
				s[i] += b[i]
			}
			return s
		}
		for name, d := range map[string]float64{
			"y":         distance(append(parts[0].y, parts[1].y...), whole.y),
			"dx":        distance(append(parts[0].dx, parts[1].dx...), whole.dx),
			"dw":        distance(sum(parts[0].dw, parts[1].dw), whole.dw),
			"dbias":     distance(sum(parts[0].dbias, parts[1].dbias), whole.dbias),
			"mean 0":    distance(parts[0].mean, whole.mean),
			"mean 1":    distance(parts[1].mean, whole.mean),
			"variances": distance(parts[1].variance, whole.variance),
		} {
			if d > 1e-6 { // the matrices that move rows are float32, but their entries are exact
				t.Errorf("recompute %v: %s differs by %.1e", recompute, name, d)
			}
		}
		want := 2 // forward and backward
		if recompute {
			want = 3
		}
		if parts[0].sums != want {
			t.Errorf("recompute %v: %d sums over the ranks, want %d", recompute, parts[0].sums, want)
		}
	}
}

// TestGatherAlone: without peers nothing is copied.
func TestGatherAlone(t *testing.T) {
	b := ref.New()
	x := leaf(b, true, 2, 3)
	tape := &Tape{B: b, Train: true}
	if tape.Gather(x) != x || tape.own(x) != x {
		t.Error("Gather copies on a single rank")
	}
}

// TestOnGrad: each leaf is reported once, when its gradient has its final value.
func TestOnGrad(t *testing.T) {
	for _, recompute := range []bool{false, true} {
		b := ref.New()
		x, w, last := leaf(b, true, 4, 16), leaf(b, true, 16, 16), leaf(b, true, 4, 16)
		tape := &Tape{B: b, Train: true, Recompute: recompute}
		seen := map[*Var][]float64{}
		var order []*Var
		for _, v := range []*Var{x, w, last} {
			ZeroGrads(b, v)
			v.OnGrad(func() {
				seen[v] = b.Download64(v.Grad())
				order = append(order, v)
			})
		}
		y := tape.Add(chain(tape, x, w, 3), last)
		loss := tape.Orthogonality(y)
		tape.Backward(Seed{loss, 1})
		tape.Reset()
		if !slices.Equal(order, []*Var{last, w, x}) && !slices.Equal(order, []*Var{last, x, w}) {
			t.Errorf("recompute %v: %d leaves in the wrong order", recompute, len(order))
		}
		for v, g := range seen {
			if !slices.Equal(g, b.Download64(v.Grad())) {
				t.Errorf("recompute %v: a gradient changes after it was reported", recompute)
			}
		}
		order = nil
		tape.Softmax(w.Reshape(16, 16))
		tape.Reset() // without a backward pass
		if len(order) != 0 || w.pending != 0 {
			t.Errorf("recompute %v: Reset reports %d leaves and leaves %d operations pending", recompute, len(order), w.pending)
		}
	}
}

// TestStop: stopping a pass makes it panic, and Reset frees what it made.
func TestStop(t *testing.T) {
	for _, recompute := range []bool{false, true} {
		b := &counting{Backend: ref.New()}
		x, w := leaf(b, false, 4, 16), leaf(b, false, 16, 16)
		why, asked := errors.New("enough"), 0
		tape := &Tape{B: b, Train: true, Recompute: recompute, Before: func() error {
			if asked++; asked > 6 {
				return why
			}
			return nil
		}}
		func() {
			defer func() {
				if s, ok := recover().(*Stopped); !ok || !errors.Is(s, why) {
					t.Errorf("recompute %v: the pass ends in %v", recompute, s)
				}
			}()
			chain(tape, x, w, 6)
		}()
		tape.Reset()
		if b.live != 2 {
			t.Errorf("recompute %v: %d tensors are alive, want the leaves", recompute, b.live)
		}
	}
}
