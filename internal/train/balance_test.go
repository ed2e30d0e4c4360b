package train

import (
	"math"
	"strings"
	"testing"

	"clusir/internal/kernels/ref"
	"clusir/internal/model"
	"clusir/internal/testnet"
)

// TestBalance compares the term with its formula, and sees it raise an expert that no
// sample chooses.
func TestBalance(t *testing.T) {
	b := ref.New()
	c := testnet.Small()
	c.Experts = 3
	m, err := model.New(c, b)
	if err != nil {
		t.Fatal(err)
	}
	m.Init(1)
	tape := &model.Tape{B: b, Train: true}
	defer tape.Reset()
	const dead = 2 // of each cluster
	var biases []*model.Param
	for _, p := range m.Params {
		if strings.HasSuffix(p.Name, "gate_bias") {
			bias := tape.Fetch(p.Var)
			for i := dead; i < len(bias); i += c.Experts {
				bias[i] = -4
			}
			b.Upload(p.Tensor, bias)
			biases = append(biases, p)
		}
	}
	pixels := make([]float32, 2*3*32*32)
	for i := range pixels {
		pixels[i] = float32(i%37) / 36
	}
	_, routes := m.Forward(tape, tape.Input(pixels, 2, 3, 32, 32), model.Options{Noise: model.Gaussian{Seed: 1, First: 0}})
	term := newBalance(tape, routes, 0.01)
	for l, r := range routes {
		for i, want := range []float64{squares(tape.Fetch(r.Posterior(tape)), 2), squares(tape.Fetch(r.Preference(tape)), 2)} {
			if got := float64(tape.Fetch(term.terms[2*l+i])[0]); math.Abs(got-want) > 1e-6 {
				t.Errorf("stage %d: the term is %g, want %g", l+1, got, want)
			}
		}
		for i, w := range tape.Fetch(r.Weights) {
			if w != 0 && i%c.Experts == dead {
				t.Errorf("stage %d: expert %d is chosen", l+1, i)
			}
		}
	}
	for i, s := range term.seeds(0.5) {
		all := []int{c.Clusters[i/2], c.Clusters[i/2] * c.Experts}[i%2]
		if want := 0.5 * 0.01 * float64(all) / float64(len(routes)); math.Abs(float64(s.Weight)-want) > 1e-8 {
			t.Errorf("term %d of %d stages has the weight %g, want %g", i, len(routes), s.Weight, want)
		}
	}
	tape.Backward(term.seeds(1)...)
	for _, p := range biases {
		kept := 0
		for i, g := range b.Download64(p.Grad()) {
			if i%c.Experts == dead && g < 0 {
				kept++
			}
			if i%c.Experts == dead && g > 0 {
				t.Errorf("%s: expert %d has the gradient %g: it falls further", p.Name, i, g)
			}
		}
		if kept == 0 {
			t.Errorf("%s: no gradient raises an unused expert", p.Name)
		}
	}
}

// squares returns the sum of the squares of p's mean over its B rows.
func squares(p []float32, B int) (sum float64) {
	K := len(p) / B
	for k := range K {
		mean := 0.0
		for b := range B {
			mean += float64(p[b*K+k]) / float64(B)
		}
		sum += mean * mean
	}
	return sum
}
