package model

import (
	"math"
	"testing"

	"clusir/internal/kernels/ref"
	"clusir/internal/testnet"
)

// TestObjectiveWeights: the loss is the weighted sum of its terms, terms of weight 0 do
// not run, and gradients scale.
func TestObjectiveWeights(t *testing.T) {
	b := ref.New()
	m := stir(newTestModel(t, b, testnet.Small()))
	image, clean := picture(b, 2, 16, 16), part(b, 2, 0, 2, 0.2)
	grad := func(o Objective, scale float64) (Terms, []float64) {
		m.ZeroGrads()
		tape := &Tape{B: b, Train: true}
		defer tape.Reset()
		restored, _ := m.Forward(tape, image, Options{})
		loss := o.Loss(tape, m, restored, clean, nil)
		loss.Backward(tape, scale)
		return loss.Terms(b), b.Download64(m.MoE[0].Router.Prototypes.Grad())
	}
	all, g := grad(Objective{L1: 2, MSSSIM: 0.5, Orthogonality: 3}, 1)
	if want := 2*all.L1 + 0.5*(1-all.MSSSIM) + 3*all.Orthogonality; all.Loss != want || all.L1 == 0 || all.MSSSIM == 0 {
		t.Errorf("terms %+v do not add up to %g", all, want)
	}
	_, half := grad(Objective{L1: 2, MSSSIM: 0.5, Orthogonality: 3}, 0.5)
	for i := range g {
		if math.Abs(g[i]-2*half[i]) > 1e-9*math.Abs(g[i])+1e-12 {
			t.Fatalf("gradient %g, at scale ½ %g", g[i], half[i])
		}
	}
	l1, _ := grad(Objective{L1: 1}, 1)
	if l1.Loss != l1.L1 || l1.L1 != all.L1 || l1.MSSSIM != 0 || l1.Orthogonality != 0 {
		t.Errorf("L1 alone: %+v", l1)
	}
	square, g := grad(Objective{L1: 1, Smooth: 50}, 1) // more than any difference: Σ e²/100
	less, dg := grad(Objective{L1: 1, Smooth: 100}, 1)
	for i := range g {
		if math.Abs(g[i]-2*dg[i]) > 1e-9*math.Abs(g[i])+1e-12 {
			t.Fatalf("gradient %g below one bound, %g below twice that", g[i], dg[i])
		}
	}
	if math.Abs(square.L1-2*less.L1) > 1e-9*square.L1 || square.L1 == 0 {
		t.Errorf("below a bound %g, below twice that %g", square.L1, less.L1)
	}
}
