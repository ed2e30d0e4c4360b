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
	// ClusIR.ResetCounts: Param.Reached of the expert's parameters.
	Count *Var
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
		expert := b.at("experts", e)
		expert.reached = kernels.Element{Tensor: m.Count.Tensor, Index: e}
		m.experts = append(m.experts, expert.ffn(C, c.ExpertRatio))
	}
	return m
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
