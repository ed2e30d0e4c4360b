package train

import (
	"clusir/internal/autograd"
	"clusir/internal/model"
)

// balance is a loss term that evens out the use of clusters and experts: the mean over
// the stages of N·Σ_n p̄_n² + N·M·Σ_e w̄_e², where p̄ is the posterior and w̄ the preference
// for each expert, averaged over the batch of all ranks that the tape gathers. Each of
// the two is 1 if all are used alike. The preference counts experts that were not chosen,
// too, so one that no sample chooses still gets a gradient. The paper has no such term;
// its configurations give it weight 0.
type balance struct {
	weight float64
	terms  []*autograd.Var // Σ p̄² and Σ w̄² of each stage
	scale  []float64       // N and N·M
}

func newBalance(t *model.Tape, routes []*model.Route, weight float64) balance {
	b := balance{weight: weight}
	if weight == 0 {
		return b
	}
	for _, r := range routes {
		b.add(t, t.Gather(r.Posterior(t)))
		b.add(t, t.Gather(r.Preference(t)))
	}
	return b
}

// add adds the term of p [B,K], in each row of which K shares sum to 1.
func (b *balance) add(t *model.Tape, p *autograd.Var) {
	B, K := p.Shape[0], p.Shape[1]
	each := make([]float32, B)
	for i := range each {
		each[i] = 1 / float32(B)
	}
	mean := t.Mix(t.Input(each, 1, B), p) // [1,K]
	b.terms = append(b.terms, t.Linear(mean, mean, nil))
	b.scale = append(b.scale, float64(K))
}

// seeds returns the term's part of the objective.
func (b balance) seeds(scale float64) []autograd.Seed {
	var s []autograd.Seed
	stages := float64(len(b.terms)) / 2
	for i, v := range b.terms {
		s = append(s, autograd.Seed{Of: v, Weight: float32(scale * b.weight * b.scale[i] / stages)})
	}
	return s
}
