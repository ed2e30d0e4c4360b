package model

import (
	"clusir/internal/arch"
	"clusir/internal/autograd"
	"clusir/internal/kernels"
)

// MoE adds the outputs of the experts that the router chose to the features.
type MoE struct {
	name    string
	norm    autograd.Norm
	Router  *PCGRM
	experts []autograd.FFN // of cluster c: c·M to c·M+M−1

	// Count [N·M] is the number of training samples routed to each expert since
	// ClusIR.ResetCounts.
	Count   *Var
	reached []reachedCount
}

// reachedCount extracts one expert's entry of MoE.Count into its own tensor.
type reachedCount struct {
	pick  kernels.Tensor // [1,N·M]: 1 at the expert
	count kernels.Tensor // [1,1]
}

func (b builder) moe(l int, c arch.Config) *MoE {
	C, E := c.Width(l), c.Clusters[l]*c.Experts
	m := &MoE{
		name:   b.name(),
		norm:   b.norm("norm", C),
		Router: b.at("router").pcgrm(l, c),
		Count:  autograd.Leaf(b.m.memory.Alloc(E), false),
	}
	for e := range E {
		r := newReachedCount(b.m.memory, e, E)
		expert := b.at("experts", e)
		expert.reached = r.count.Reshape(1)
		m.experts = append(m.experts, expert.ffn(C, c.ExpertRatio))
		m.reached = append(m.reached, r)
	}
	return m
}

func newReachedCount(m kernels.Memory, e, E int) reachedCount {
	r := reachedCount{pick: m.Alloc(1, E), count: m.Alloc(1, 1)}
	one := make([]float32, E)
	one[e] = 1
	m.Upload(r.pick, one)
	m.Fill(r.count, 0)
	return r
}

// Forward returns y = x + Σ_c α_c Σ_e p(e|c,x) E_ce(LN(x)) (Eq. 3), and the route
// taken.
func (m *MoE) Forward(t *pass, x *Var) (*Var, *Route) {
	route := t.route(m.Router, x)
	if t.Train {
		t.CountRouted(m.Count, route.Weights)
	}
	y := t.GatedFFN(last(x), m.norm, m.experts, route.Weights, m.Router.topClusters*m.Router.topExperts)
	return t.as(m.name, y), route
}
