package model

import (
	"fmt"
	"math"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/kernels/ref"
	"clusir/internal/testnet"
)

// TestAffinityOfTheWhole: if the only row is the mean over the whole picture, its
// affinity is the router's posterior.
func TestAffinityOfTheWhole(t *testing.T) {
	b := ref.New()
	m := stir(newTestModel(t, b, testnet.Small()))
	tape := &Tape{B: b}
	got := map[string][]float32{}
	_, routes := m.Forward(tape, picture(b, 1, 32, 48), Options{Probe: func(name string, v *Var) {
		for l := range arch.Stages {
			if name == fmt.Sprint("encoder.", l) {
				got[name] = tape.Fetch(m.Affinity(tape, l, tape.MeanHW(v)))
			}
		}
	}})
	for l, r := range routes {
		affinity := got[fmt.Sprint("encoder.", l)]
		for n, want := range tape.Fetch(r.Posterior(tape)) {
			if math.Abs(float64(affinity[n]-want)) > 1e-6 {
				t.Errorf("stage %d, cluster %d: affinity %g, posterior %g", l, n, affinity[n], want)
			}
		}
	}
}
