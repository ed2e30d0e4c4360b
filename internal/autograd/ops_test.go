package autograd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/ref"
)

// opCase runs one of the tape's operations on leaves of the given shapes.
type opCase struct {
	name   string
	shapes [][]int
	run    func(t *Tape, v []*Var) []*Var
	fixed  []int // inputs without a gradient
	pair   bool  // two results: no block can return them
}

func one(y *Var) []*Var { return vars(y) }

var opCases = []opCase{
	{name: "Add", shapes: [][]int{{2, 3}, {2, 3}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.Add(v[0], v[1])) }},
	{name: "Add/itself", shapes: [][]int{{2, 3}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.Add(v[0], v[0])) }},
	{name: "Linear", shapes: [][]int{{2, 3, 4}, {5, 4}, {5}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.Linear(v[0], v[1], v[2])) }},
	{name: "Linear/plain", shapes: [][]int{{3, 4}, {2, 4}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.Linear(v[0], v[1], nil)) }},
	{name: "Mix", shapes: [][]int{{2, 3}, {3, 2, 2}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.Mix(v[0], v[1])) }},
	{name: "Normalize", shapes: [][]int{{3, 4}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.Normalize(v[0])) }},
	{name: "TopKSoftmax", shapes: [][]int{{3, 4}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.TopKSoftmax(v[0], 2)) }},
	{name: "Softmax", shapes: [][]int{{2, 2, 3}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.Softmax(v[0])) }},
	{name: "ScaleRows", shapes: [][]int{{3, 2}, {3}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.ScaleRows(v[0], v[1])) }},
	{name: "Tokens", shapes: [][]int{{2, 3}, {3, 4}, {3, 4}, {2, 3, 4}}, fixed: []int{3},
		run: func(t *Tape, v []*Var) []*Var { return one(t.Tokens(v[0], v[1], v[2], v[3])) }},
	{name: "Tokens/mean", shapes: [][]int{{2, 3}, {3, 4}, {3, 4}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.Tokens(v[0], v[1], v[2], nil)) }},
	{name: "Attend", shapes: [][]int{{2, 2, 4}, {2, 3, 4}, {2, 3, 4}, {2, 3}}, fixed: []int{3},
		run: func(t *Tape, v []*Var) []*Var { return one(t.Attend(v[0], v[1], v[2], v[3], 2)) }},
	{name: "SumKept", shapes: [][]int{{2, 3, 4}, {2, 3}}, fixed: []int{1},
		run: func(t *Tape, v []*Var) []*Var { return one(t.SumKept(v[0], v[1])) }},
	{name: "MeanHW", shapes: [][]int{{2, 3, 2, 4}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.MeanHW(v[0])) }},
	{name: "Resize", shapes: [][]int{{1, 2, 3, 4}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.Resize(v[0], 5, 2)) }},
	{name: "Conv1x1", shapes: [][]int{{3, 5}, {3}, {2, 2, 2, 3}, {2, 3, 2, 3}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.Conv1x1(v[0], v[1], v[2], v[3])) }},
	{name: "Conv3x3", shapes: [][]int{{1, 2, 4, 2}, {3, 2, 3, 3}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.Conv3x3(v[0], v[1])) }},
	{name: "ConvDown", shapes: [][]int{{1, 2, 4, 2}, {1, 2, 3, 3}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.ConvDown(v[0], v[1])) }},
	{name: "ConvUp", shapes: [][]int{{1, 2, 2, 3}, {4, 2, 3, 3}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.ConvUp(v[0], v[1])) }},
	{name: "DWT", shapes: [][]int{{1, 2, 4, 2}}, pair: true,
		run: func(t *Tape, v []*Var) []*Var { ll, bands := t.DWT(v[0]); return vars(ll, bands) }},
	{name: "DWT/one output", shapes: [][]int{{1, 2, 4, 2}},
		run: func(t *Tape, v []*Var) []*Var { ll, _ := t.DWT(v[0]); return one(ll) }},
	{name: "IDWT", shapes: [][]int{{1, 1, 2, 2}, {1, 3, 2, 2}, {1, 1, 4, 4}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.IDWT(v[0], v[1], v[2])) }},
	{name: "WaveletReduce", shapes: [][]int{{1, 4, 2, 4}, {4}, {4}, {1, 4}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.WaveletReduce(v[0], Norm{v[1], v[2]}, v[3])) }},
	{name: "AttentionMap", shapes: [][]int{{2, 4, 2, 3}, {12, 4}, {2}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.AttentionMap(v[0], v[1], v[2])) }},
	{name: "WaveletMerge", shapes: [][]int{{1, 4, 4, 2}, {1, 4, 2, 1}, {1, 4, 4}, {4, 2}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.WaveletMerge(v[0], v[1], v[2], v[3])) }},
	{name: "GatedFFN", shapes: [][]int{{1, 2, 3, 2}, {2}, {2}, {6, 2}, {6, 3, 3}, {2, 3}},
		run: func(t *Tape, v []*Var) []*Var {
			return one(t.GatedFFN(v[0], Norm{v[1], v[2]}, []FFN{{v[3], v[4], v[5]}}, nil, 1))
		}},
	{name: "GatedFFN/routed", shapes: [][]int{{2, 2, 3, 2}, {2}, {2}, {4, 2}, {4, 3, 3}, {2, 2}, {4, 2}, {4, 3, 3}, {2, 2}, {2, 2}},
		run: func(t *Tape, v []*Var) []*Var {
			return one(t.GatedFFN(v[0], Norm{v[1], v[2]}, []FFN{{v[3], v[4], v[5]}, {v[6], v[7], v[8]}}, v[9], 2))
		}},
	{name: "RFFT2", shapes: [][]int{{1, 2, 2, 4}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.RFFT2(v[0])) }},
	{name: "IRFFT2", shapes: [][]int{{1, 4, 2, 3}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.IRFFT2(v[0])) }},
	{name: "SpectralFusion", shapes: [][]int{{1, 4, 2, 2}, {1, 4, 2, 2}, {2, 4}, {2}, {2, 2}, {2}, {2, 8}, {2}, {2, 2}, {2}},
		run: func(t *Tape, v []*Var) []*Var {
			return one(t.SpectralFusion(v[0], v[1], Fuse{v[2], v[3], v[4], v[5]}, Fuse{v[6], v[7], v[8], v[9]}))
		}},
	{name: "BatchNorm", shapes: [][]int{{3, 2}, {2}, {2}, {2}, {2}}, fixed: []int{3, 4},
		run: func(t *Tape, v []*Var) []*Var { return one(t.BatchNorm(v[0], v[1], v[2], v[3], v[4])) }},
	{name: "DynamicFilter", shapes: [][]int{{1, 4, 3, 4}, {1, 2, 9}}, pair: true,
		run: func(t *Tape, v []*Var) []*Var { low, high := t.DynamicFilter(v[0], v[1]); return vars(low, high) }},
	{name: "SigmoidGate", shapes: [][]int{{2, 3}, {2, 3}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.SigmoidGate(v[0], v[1])) }},
	{name: "L1", shapes: [][]int{{2, 3}, {2, 3}}, fixed: []int{1},
		run: func(t *Tape, v []*Var) []*Var { return one(t.L1(v[0], v[1], 0)) }},
	{name: "MSSSIM", shapes: [][]int{{1, 1, 11, 11}, {1, 1, 11, 11}}, fixed: []int{1},
		run: func(t *Tape, v []*Var) []*Var { return one(t.MSSSIM(v[0], v[1])) }},
	{name: "Orthogonality", shapes: [][]int{{3, 4}},
		run: func(t *Tape, v []*Var) []*Var { return one(t.Orthogonality(v[0])) }},
}

// TestOps compares each operation's backward, as called by the tape, with central
// differences of its forward: plain, recomputed, and with every value released that the
// operation does not declare as needed.
func TestOps(t *testing.T) {
	for _, c := range opCases {
		t.Run(c.name, func(t *testing.T) {
			b := ref.New()
			leaves := randomLeaves(b, c)
			got := analytic(t, b, c, leaves, false)
			again := analytic(t, b, c, leaves, true)
			for i, v := range leaves {
				if !slices.Equal(got[i], again[i]) {
					t.Errorf("input %d: recomputation changes the gradient", i)
				}
				if slices.Contains(c.fixed, i) {
					continue
				}
				want := numeric(b, c, leaves, v)
				if d := distance(got[i], want); d > 1e-6 {
					t.Errorf("input %d: gradient is off by %.1e: got %v, want %v", i, d, got[i], want)
				}
			}
		})
	}
}

func randomLeaves(b *ref.Backend, c opCase) []*Var {
	rng := rand.New(rand.NewPCG(1, 2))
	leaves := make([]*Var, len(c.shapes))
	for i, s := range c.shapes {
		x := make([]float64, kernels.Shape(s).Len())
		for j := range x {
			x[j] = 0.2 + 0.6*rng.Float64()
		}
		leaves[i] = Leaf(b.Alloc(s...), !slices.Contains(c.fixed, i))
		b.Upload64(leaves[i].Tensor, x)
	}
	return leaves
}

// weights are the coefficients of the scalar that is differentiated.
func weights(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = math.Sin(float64(3*i + 1))
	}
	return w
}

// identity returns a copy of v, which the tape owns and may free.
func identity(t *Tape, v *Var) *Var {
	y := t.alloc(v.Shape...)
	t.apply(op{name: "Copy", in: vars(v), out: vars(y), residual: v, run: func() { t.B.Copy(y.Tensor, v.Tensor) }})
	return y
}

// analytic returns the gradients of Σ weights·results as computed by the tape.
func analytic(t *testing.T, b *ref.Backend, c opCase, leaves []*Var, recompute bool) [][]float64 {
	live := b.Live()
	tape := &Tape{B: b, Train: true, Recompute: recompute}
	ins := make([]*Var, len(leaves))
	for i, v := range leaves {
		ins[i] = identity(tape, v)
	}
	var ys []*Var
	run := func() *Var {
		ys = c.run(tape, ins)
		for _, v := range ins {
			tape.release(v)
		}
		return ys[0]
	}
	if c.pair {
		run()
	} else {
		ys = vars(tape.Block(run))
	}
	for _, y := range ys {
		b.Upload64(tape.grad(y), weights(y.Len()))
		tape.release(y)
	}
	tape.unwind(0)
	tape.Reset()
	out := make([][]float64, len(leaves))
	for i, v := range leaves {
		if !v.grad.IsZero() {
			out[i] = b.Download64(v.Grad())
			b.Free(v.grad)
			v.grad = kernels.Tensor{}
		}
	}
	if b.Live() != live {
		t.Errorf("%d tensors are alive after Reset, %d before", b.Live(), live)
	}
	return out
}

// numeric returns the gradient of Σ weights·results in x by central differences.
func numeric(b *ref.Backend, c opCase, leaves []*Var, x *Var) []float64 {
	const step = 1e-5
	value := func() float64 {
		tape := &Tape{B: b, Train: true} // in training, BatchNorm is differentiated
		defer tape.Reset()
		sum := 0.0
		for _, y := range c.run(tape, leaves) {
			for i, v := range b.Download64(y.Tensor) {
				sum += weights(y.Len())[i] * v
			}
		}
		return sum
	}
	v := b.Download64(x.Tensor)
	g := make([]float64, len(v))
	for i := range v {
		at := v[i]
		v[i] = at + step
		b.Upload64(x.Tensor, v)
		up := value()
		v[i] = at - step
		b.Upload64(x.Tensor, v)
		g[i] = (up - value()) / (2 * step)
		v[i] = at
	}
	b.Upload64(x.Tensor, v)
	return g
}

// distance returns the largest difference relative to the largest value of want.
func distance(got, want []float64) float64 {
	d, scale := 0.0, 1e-3
	for i := range want {
		d, scale = math.Max(d, math.Abs(got[i]-want[i])), math.Max(scale, math.Abs(want[i]))
	}
	return d / scale
}
