package model

import "math"

// Route is what a router decided for each sample of a batch.
type Route struct {
	Weights *Var // [B,N·M]: α_c p(e|c,x) of expert e of cluster c at c·M+e, 0 where not routed
	Alpha   *Var // [B,N]: p(C=c|x) over the kept clusters (Eq. 6), 0 for the others
	Tokens  *Var // [B,N,D]: the summands of the prompt 𝒫 (Eq. 7)
	Sim     *Var // [B,N]: cosines to the prototypes (Eq. 4); absent in a route supplied by the caller
	Logits  *Var // [B·N,M]: each cluster's scores of its experts (Eq. 9); absent like Sim
}

// Posterior returns p(C=c|x) over all clusters (Eq. 5), [B,N]. With cosines as logits
// it stays between 0.06 and 0.79 for N = 3.
func (r *Route) Posterior(t *Tape) *Var { return t.Softmax(r.Sim) }

// Preference returns α_c softmax_e(logits_c) of each expert, [B,N·M]: its weight if all
// M experts of a kept cluster ran.
func (r *Route) Preference(t *Tape) *Var {
	B, N, M := r.Alpha.Shape[0], r.Alpha.Shape[1], r.Logits.Shape[1]
	return t.ScaleRows(t.Softmax(r.Logits), r.Alpha.Reshape(B*N)).Reshape(B, N*M)
}

// Detach returns the route as leaves that survive the tape's Reset and can be passed to
// later passes. The caller frees them.
func (r *Route) Detach(t *Tape) *Route {
	return &Route{Weights: t.Detach(r.Weights), Alpha: t.Detach(r.Alpha), Tokens: t.Detach(r.Tokens)}
}

// Routing is what a router decided for one sample, on the host; see Route.
type Routing struct {
	Posterior []float32 // [N]
	Alpha     []float32 // [N]
	Weights   []float32 // [N·M]
}

// Fetch returns the routing of each sample.
func (r *Route) Fetch(t *Tape) []Routing {
	posterior, alpha, weights := t.Fetch(r.Posterior(t)), t.Fetch(r.Alpha), t.Fetch(r.Weights)
	B, N, E := r.Alpha.Shape[0], r.Alpha.Shape[1], r.Weights.Shape[1]
	samples := make([]Routing, B)
	for b := range samples {
		samples[b] = Routing{posterior[b*N:][:N], alpha[b*N:][:N], weights[b*E:][:E]}
	}
	return samples
}

// Entropy returns the entropy of the probabilities p relative to the largest possible:
// 1 if they are equal, 0 if one is certain, and 1 if there is only one.
func Entropy(p []float32) float64 {
	if len(p) < 2 {
		return 1
	}
	h := 0.0
	for _, v := range p {
		if v > 0 {
			h -= float64(v) * math.Log(float64(v))
		}
	}
	return h / math.Log(float64(len(p)))
}
