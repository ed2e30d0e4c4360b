package train

import (
	"clusir/internal/autograd"
	"clusir/internal/model"
)

// balance is a loss term that evens out the use of the clusters: the mean over the
// stages of N·Σ_n p̄_n², where p̄ is the mean posterior over the batch, or the parts of
// it that the tape gathers. It is 1 if all clusters are used alike. The paper has no
// such term; its configurations give it weight 0.
type balance struct {
	weight float64
	terms  []*autograd.Var // Σ_n p̄_n² of each stage
	scale  []float64       // N
}

func newBalance(t *model.Tape, routes []*model.Route, weight float64) balance {
	b := balance{weight: weight}
	if weight == 0 {
		return b
	}
	for _, r := range routes {
		posterior := t.Gather(r.Posterior(t))
		B, N := posterior.Shape[0], posterior.Shape[1]
		share := make([]float32, B)
		for i := range share {
			share[i] = 1 / float32(B)
		}
		mean := t.Mix(t.Input(share, 1, B), posterior) // [1,N]
		b.terms = append(b.terms, t.Linear(mean, mean, nil))
		b.scale = append(b.scale, float64(N))
	}
	return b
}

// seeds returns the term's part of the objective.
func (b balance) seeds(scale float64) []autograd.Seed {
	var s []autograd.Seed
	for i, v := range b.terms {
		s = append(s, autograd.Seed{Of: v, Weight: float32(scale * b.weight * b.scale[i] / float64(len(b.terms)))})
	}
	return s
}
