package train

import (
	"math"

	"clusir/internal/model"
)

// routing sums up the routing of a step's samples. It reveals a collapse: a posterior
// with one large entry, experts that see no sample, or an entropy that stays at 1
// because clusters are never distinguished.
type routing struct {
	posterior [][]float64 // per stage, Σ over samples of p(C=c|x), Eq. 5
	entropy   []float64   // per stage, Σ over samples of their entropy
	samples   int
}

// add fetches the routes of a forward pass.
func (u *routing) add(t *model.Tape, routes []*model.Route) {
	for l, r := range routes {
		if l == len(u.posterior) {
			u.posterior, u.entropy = append(u.posterior, make([]float64, r.Sim.Shape[1])), append(u.entropy, 0)
		}
		samples := r.Fetch(t)
		for _, s := range samples {
			for c, p := range s.Posterior {
				u.posterior[l][c] += float64(p)
			}
			u.entropy[l] += model.Entropy(s.Posterior)
		}
		if l == 0 {
			u.samples += len(samples)
		}
	}
}

// numbers lists the sums, for a mean over the ranks. It leaves out samples, which is
// the same on each rank.
func (u *routing) numbers() []*float64 {
	var ps []*float64
	for l := range u.posterior {
		for c := range u.posterior[l] {
			ps = append(ps, &u.posterior[l][c])
		}
		ps = append(ps, &u.entropy[l])
	}
	return ps
}

// means returns the means over the samples, to four digits.
func (u *routing) means() (posterior [][]float64, entropy []float64) {
	mean := func(sum float64) float64 { return math.Round(1e4*sum/float64(u.samples)) / 1e4 }
	for l := range u.posterior {
		var p []float64
		for _, v := range u.posterior[l] {
			p = append(p, mean(v))
		}
		posterior, entropy = append(posterior, p), append(entropy, mean(u.entropy[l]))
	}
	return posterior, entropy
}
