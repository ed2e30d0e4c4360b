//go:build cuda

package cuda

import (
	"fmt"
	"math"
	"testing"

	"clusir/internal/kernels"
)

// TestOperandsOfProductsAreRounded: products of experts rely on operands that their writer
// has rounded to the precision. A backend must therefore write what a float32 one does,
// rounded, and 0 where rows are padded.
func TestOperandsOfProductsAreRounded(t *testing.T) {
	for _, s := range []struct{ C, h, H, W int }{{5, 7, 9, 11}, {3, 2, 4, 8}, {35, 3, 1, 1}, {2, 4, 17, 36}} {
		want := operands(t, Float32, s.C, s.h, s.H, s.W)
		for _, p := range []Precision{TF32, BF16} {
			t.Run(fmt.Sprintf("%s/%+v", p, s), func(t *testing.T) {
				got := operands(t, p, s.C, s.h, s.H, s.W)
				for what, vs := range want {
					for i, v := range vs {
						if r := rounding[p](v); got[what][i] != r {
							t.Fatalf("%s[%d] is %v, rounded %v: %v was written", what, i, v, r, got[what][i])
						}
					}
				}
			})
		}
	}
}

// operands returns what the kernels between the products write, from numbers that all
// precisions have.
func operands(t *testing.T, p Precision, C, h, H, W int) map[string][]float32 {
	b := open(t, Options{Precision: p, Debug: true})
	P := H * W
	put := func(shape ...int) kernels.Tensor {
		x := b.Alloc(shape...)
		b.Upload(x, normals(x.Len() + len(shape))[len(shape):])
		return x
	}
	l := b.layerNorm(put(1, C, H, W), kernels.Norm{Weight: put(C), Bias: put(C)})
	ffn := kernels.FFN{Expand: put(2*h, C), Depthwise: put(2*h, 3, 3), Project: put(C, h)}
	e := b.newExperts(l.x, []kernels.FFN{ffn}, kernels.Tensor{})
	expanded, de, gated, again, q := e.channels(2*h), e.channels(2*h), e.channels(h), e.channels(h), e.channels(h)
	numbers := normals(3 * h * P)
	for i, v := range numbers {
		numbers[i] = rounding[BF16](v)
	}
	b.store(expanded, P, numbers[:2*h*P])
	b.store(q, P, numbers[2*h*P:])
	e.gate(0, gated, expanded)
	e.gateGrad(0, de, again, e.gateSums(), expanded, q)
	got := map[string][]float32{
		"u": b.load(t, l.u, P, true), "gated": b.load(t, gated, P, false), "gated, computed again": b.load(t, again, P, true), "de": b.load(t, de, P, true),
	}
	b.free(l.u, l.stats, e.plan)
	if err := b.Sync(); err != nil {
		t.Fatal(err)
	}
	return got
}

// store uploads rows of p numbers to a tensor that stored allocated.
func (b *Backend) store(x kernels.Tensor, p int, v []float32) {
	if b.precision != BF16 {
		b.Upload(x, v)
		return
	}
	words := make([]uint32, x.Len())
	line := ceil(p, 8) * 8
	for i, n := range v {
		at := i/p*line + i%p
		words[at/2] |= math.Float32bits(rounding[BF16](n)) >> 16 << (at % 2 * 16)
	}
	floats := make([]float32, len(words))
	for i, w := range words {
		floats[i] = math.Float32frombits(w)
	}
	b.Upload(x, floats)
}

// load downloads them. If cleared is set, what pads them must be 0.
func (b *Backend) load(t *testing.T, x kernels.Tensor, p int, cleared bool) []float32 {
	got := downloaded(b, x)
	if b.precision != BF16 {
		return got
	}
	line := ceil(p, 8) * 8
	var v []float32
	for i := range 2 * len(got) {
		n := math.Float32frombits(math.Float32bits(got[i/2]) >> (i % 2 * 16) << 16)
		switch {
		case i%line < p:
			v = append(v, n)
		case cleared && n != 0:
			t.Fatalf("%v follows row %d", n, i/line)
		}
	}
	return v
}

// TestStoredAsBF16: what GatedFFN and its gradient compute at bf16 deviates from float32 by
// at most three times what rounding the same tensors does, the operands of products and
// the intermediate results, in the kernels for float32. That goes for the gradient with a
// kernel for each product, and for that with fused ones.
func TestStoredAsBF16(t *testing.T) {
	for _, s := range []struct{ B, C, H, W, h int }{{2, 13, 9, 19, 21}, {1, 70, 12, 12, 140}, {3, 6, 1, 1, 5}, {1, 37, 3, 5, 72}, {1, 60, 17, 20, 16}, {2, 24, 16, 33, 40}} {
		t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
			run := func(p Precision, round, fused bool) map[string][]float32 {
				b := open(t, Options{Precision: p, Debug: true})
				return runStored(t, b, round, fused, s.B, s.C, s.H, s.W, s.h)
			}
			exact, expected := run(Float32, false, false), run(Float32, true, false)
			for _, fused := range []bool{false, true} {
				got := run(BF16, false, fused)
				for what := range exact {
					want := rounded(exact[what], Float32)
					allowed, off := distance(expected[what], want), distance(got[what], want)
					t.Logf("fused %-5t %-10s off by %.2e of its norm; rounding gives %.2e", fused, what, off, allowed)
					if !(off <= 3*allowed) {
						t.Errorf("fused %t: %s is off by %.2e of its norm, more than three times %.2e", fused, what, off, allowed)
					}
					if off < allowed/10 {
						t.Errorf("fused %t: %s is off by %.2e of its norm: nothing is rounded", fused, what, off)
					}
				}
			}
		})
	}
}

// runStored runs an expert and its gradient kernel by kernel, or the gradient's first half
// fused. If round is set, it rounds to bf16 what the backend for that precision stores so, or
// rounds as an operand.
func runStored(t *testing.T, b *Backend, round, fused bool, B, C, H, W, h int) map[string][]float32 {
	rounded := func(x kernels.Tensor) kernels.Tensor {
		if !round {
			return x
		}
		v := downloaded(b, x)
		for i := range v {
			v[i] = rounding[BF16](v[i])
		}
		b.Upload(x, v)
		return x
	}
	put := random(b)
	x, dy := put(1, B, C, H, W), rounded(put(1, B, C, H, W))
	n := kernels.Norm{Weight: put(1, C), Bias: put(1, C)}
	f := kernels.FFN{
		Expand: rounded(put(1/math.Sqrt(float64(C)), 2*h, C)), Depthwise: put(1./3, 2*h, 3, 3), Project: rounded(put(1/math.Sqrt(float64(h)), C, h)),
	}
	df := kernels.FFN{Expand: zeros(b, 2*h, C), Depthwise: zeros(b, 2*h, 3, 3), Project: zeros(b, C, h)}
	e := b.newExperts(x, []kernels.FFN{f}, kernels.Tensor{})
	l := b.layerNorm(x, n)
	rounded(l.u)
	expanded, gated, de, q, y := e.channels(2*h), e.channels(h), e.channels(2*h), e.channels(h), b.Alloc(x.Shape...)
	e.product("experts_expand_fwd", sharedFwd, B, 2*h, C, expanded, e.expand, e.expert(0), l.u)
	rounded(expanded)
	e.gate(0, gated, expanded)
	rounded(gated)
	e.product("experts_project_fwd", sharedFwd, B, C, h, y, kernels.Tensor{}, e.project, e.expert(0), gated)
	d := expertGrads{du: b.stored(H*W, B, C)}
	d.expand, d.depthwise, d.project = b.ffnAddresses([]kernels.FFN{df})
	sums := e.gateSums()
	if fused {
		e.fusedGrad(0, e.fusedGradWidth(C), de, gated, sums, l.u, dy)
	} else {
		e.product("experts_project_dx", sharedDx, B, h, C, q, e.project, e.expert(0), dy)
		e.gateGrad(0, de, gated, sums, expanded, rounded(q))
	}
	e.addSums(0, d, sums)
	e.productGrads(0, d, rounded(de), rounded(gated), dy, l.u)
	got := map[string][]float32{"du": b.load(t, rounded(d.du), H*W, false), "de": b.load(t, de, H*W, true), "gated": b.load(t, gated, H*W, true)}
	for what, x := range map[string]kernels.Tensor{"F(LN(x))": y, "dexpand": df.Expand, "ddepthwise": df.Depthwise, "dproject": df.Project} {
		got[what] = downloaded(b, x)
	}
	if err := b.Sync(); err != nil {
		t.Fatal(err)
	}
	return got
}
