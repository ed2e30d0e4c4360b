package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/autograd"
	"clusir/internal/kernels/ref"
	"clusir/internal/testnet"
)

// TestStream checks the moments of streams, and that nearby keys give uncorrelated
// numbers.
func TestStream(t *testing.T) {
	const n = 200_000
	for _, c := range []struct {
		name                     string
		draw                     func(i int) float64
		mean, variance, tol, max float64
	}{
		{"uniform", newStream(1, 2, 3).uniform, 0.5, 1. / 12, 0.003, 1},
		{"normal", newStream(1, 2, 3).normal, 0, 1, 0.01, 6},
		{"normal over keys", func(i int) float64 { return newStream(7, uint64(i)).normal(0) }, 0, 1, 0.01, 6},
		{"products of neighbours", func(i int) float64 {
			return newStream(7, uint64(i)).normal(0) * newStream(7, uint64(i+1)).normal(0)
		}, 0, 1, 0.03, 30},
		{"products of a pair", func(i int) float64 { return newStream(5).normal(2*i) * newStream(5).normal(2*i+1) }, 0, 1, 0.03, 30},
	} {
		sum, squares, top := 0.0, 0.0, 0.0
		for i := range n {
			x := c.draw(i)
			sum, squares, top = sum+x, squares+x*x, max(top, math.Abs(x))
		}
		mean := sum / n
		if v := squares/n - mean*mean; math.Abs(mean-c.mean) > c.tol || math.Abs(v-c.variance) > c.tol || top > c.max {
			t.Errorf("%s: mean %.4f, variance %.4f, largest %.2f", c.name, mean, v, top)
		}
	}
	if newStream(1, 2) == newStream(2, 1) || newNamedStream(1, "ab") == newNamedStream(1, "ba") {
		t.Error("keys with swapped parts give the same stream")
	}
}

// TestGaussian: a sample's noise depends on the seed, the step, its index in the global
// batch and the stage, and on nothing else.
func TestGaussian(t *testing.T) {
	whole := Gaussian{Seed: 3, Step: 5}.Epsilon(1, 4, 2, 3)
	part := Gaussian{Seed: 3, Step: 5, First: 2}.Epsilon(1, 2, 2, 3)
	if !slices.Equal(whole[12:], part) {
		t.Error("the third and fourth sample differ from the same two in a micro-batch")
	}
	for _, other := range [][]float32{
		Gaussian{Seed: 4, Step: 5}.Epsilon(1, 4, 2, 3), Gaussian{Seed: 3, Step: 6}.Epsilon(1, 4, 2, 3), Gaussian{Seed: 3, Step: 5}.Epsilon(2, 4, 2, 3),
		Gaussian{Seed: 3, Step: 5, First: 1}.Epsilon(1, 4, 2, 3),
	} {
		if slices.Equal(whole, other) {
			t.Error("another seed, step, stage or sample gives the same noise")
		}
	}
}

// TestInit checks the starting values of every parameter against its rule.
func TestInit(t *testing.T) {
	m := newTestModel(t, ref.New(), testnet.Small())
	for _, p := range m.Tensors() {
		w := autograd.Fetch(m.memory, p.Tensor)
		lo, hi := slices.Min(w), slices.Max(w)
		want, ok := initialRange(p)
		if !ok {
			continue
		}
		if float64(lo) < want[0] || float64(hi) > want[1] {
			t.Errorf("%s lies in %g to %g, want %g to %g", p.Name, lo, hi, want[0], want[1])
		}
		if len(w) >= 64 && want[0] != want[1] && float64(hi-lo) < 0.8*(want[1]-want[0]) {
			t.Errorf("%s spans only %g to %g of %g to %g", p.Name, lo, hi, want[0], want[1])
		}
	}
}

// initialRange returns the range that a parameter's rule allows; not ok for the normal
// and the orthonormal ones.
func initialRange(p *Param) (r [2]float64, ok bool) {
	is := func(suffixes ...string) bool {
		return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(p.Name, s) })
	}
	around := func(fanIn int) [2]float64 { b := 1 / math.Sqrt(float64(fanIn)); return [2]float64{-b, b} }
	switch {
	case is("router.prototypes", "router.mu", "router.gate"):
		return r, false
	case is("head.weight", "conv2.weight", "conv2.bias", "gate_bias", "running_mean", "norm.bias", "norm1.bias", "norm2.bias", "bn.bias"):
		return [2]float64{0, 0}, true
	case is("norm.weight", "norm1.weight", "norm2.weight", "bn.weight", "temperature", "running_var"):
		return [2]float64{1, 1}, true
	case is("log_sigma"):
		return [2]float64{-2, -2}, true
	case is("components"):
		return [2]float64{0, 1}, true
	case is(".bias"): // of a layer with at least C = 4 inputs
		return around(4), true
	}
	fanIn := p.Len() / p.Shape[0]
	return around(fanIn), true
}

func TestOrthonormal(t *testing.T) {
	m := newTestModel(t, ref.New(), testnet.Small())
	for _, p := range m.Params {
		if !strings.HasSuffix(p.Name, ".mu") && !strings.HasSuffix(p.Name, ".prototypes") {
			continue
		}
		w := autograd.Fetch(m.memory, p.Tensor)
		N, D := p.Shape[0], p.Shape[1]
		for i := range N {
			for j := range N {
				product := 0.0
				for d := range D {
					product += float64(w[i*D+d]) * float64(w[j*D+d])
				}
				if want := map[bool]float64{true: 1}[i == j]; math.Abs(product-want) > 1e-6 {
					t.Errorf("%s: rows %d and %d have the product %g", p.Name, i, j, product)
				}
			}
		}
	}
}

// TestUniformPrototypes checks the random row of Table 9.
func TestUniformPrototypes(t *testing.T) {
	c := testnet.Small()
	c.PrototypeInit = arch.PrototypesUniform
	m := newTestModel(t, ref.New(), c)
	w := autograd.Fetch(m.memory, m.MoE[3].Router.Prototypes.Tensor)
	if lo, hi := slices.Min(w), slices.Max(w); lo < 0 || hi >= 1 || lo > 0.1 || hi < 0.9 {
		t.Errorf("prototypes lie in %g to %g, want 0 to 1", lo, hi)
	}
}

// TestInitDependsOnNamesOnly: parameters that two configurations have in common start
// alike, and differently with another seed.
func TestInitDependsOnNamesOnly(t *testing.T) {
	full := newTestModel(t, ref.New(), testnet.Small())
	c := testnet.Small()
	c.UseMoE, c.UseDAFMM = false, false
	bare := newTestModel(t, ref.New(), c)
	values := map[string][]float32{}
	for _, s := range full.State() {
		values[s.Name] = s.Data()
	}
	for _, s := range bare.State() {
		if !slices.Equal(s.Data(), values[s.Name]) {
			t.Errorf("%s depends on the rest of the network", s.Name)
		}
	}
	bare.Init(2)
	if s := bare.State()[0]; slices.Equal(s.Data(), values[s.Name]) {
		t.Errorf("%s does not depend on the seed", s.Name)
	}
}
