package model

import "clusir/internal/arch"

// Semantic makes the semantic prompt of a decoder level from the tokens of its
// stage and of stage 4.
type Semantic struct{ cross *MHA }

func (b builder) semantic(l int, c arch.Config) *Semantic {
	return &Semantic{b.mha(c.Width(l), c.Width(arch.Stages-1), c.Heads[l])}
}

// Forward returns p̂ = Σ_c t̂_c over the kept clusters, [B,C], with t̂ = t + MHA(query
// t; keys and values: the tokens that stage 4 kept).
func (s *Semantic) Forward(t *pass, route, deepest *Route) *Var {
	refined := t.Add(route.Tokens, s.cross.Forward(t, route.Tokens, deepest.Tokens, deepest.Alpha))
	return t.SumKept(refined, route.Alpha)
}
