package model

import "clusir/internal/arch"

// PCGRM is the probabilistic cluster-guided router. It compares an image's features
// with the stage's N prototypes, keeps K1 clusters, and in each of them chooses K2 of
// its M experts (Eqs. 4-10). D is the stage's width.
type PCGRM struct {
	name         string
	stage        int
	N, M         int
	topClusters  int // K1
	topExperts   int // K2
	embed        linear
	Prototypes   *Var // P [N,D]
	mu, logSigma *Var // of each cluster's normal distribution, [N,D]
	cross        *MHA
	gate         *Var // W of Eq. 9, one row per expert, [N·M,D]
	gateBias     *Var // [N·M]
}

func (b builder) pcgrm(l int, c arch.Config) *PCGRM {
	D, N, M := c.Width(l), c.Clusters[l], c.Experts
	prototypes := map[string]initial{arch.PrototypesOrthogonal: orthonormal, arch.PrototypesUniform: unit}[c.PrototypeInit]
	return &PCGRM{
		name: b.name(), stage: l, N: N, M: M, topClusters: c.TopClusters[l], topExperts: c.TopExperts,
		embed:      b.linear("embed", D, D),
		Prototypes: b.param("prototypes", prototypes, N, D),
		mu:         b.param("mu", orthonormal, N, D),
		logSigma:   b.param("log_sigma", constant(-2), N, D),
		cross:      b.at("cross").mha(D, D, c.Heads[l]),
		gate:       b.param("gate", normal(1/float64(D)), N, M, D).Reshape(N*M, D),
		gateBias:   b.param("gate_bias", constant(0), N, M).Reshape(N * M),
	}
}

// Forward routes by the stage's features x [B,C,H,W] and not by LN(x), which would hide
// the changes in brightness that haze and low light cause.
func (r *PCGRM) Forward(t *pass, x *Var) *Route {
	B, D := x.Shape[0], x.Shape[1]
	z, sim := r.compare(t, t.MeanHW(x))                           // Eq. 4, [B,D], [B,N]
	alpha := t.TopKSoftmax(sim, r.topClusters)                    // Eq. 6
	eps := t.epsilon(r.stage, B, r.N, D)                          // ε ~ N(0, I); 0 in inference
	tokens := t.Tokens(alpha, r.mu, r.logSigma, eps)              // Eq. 7, [B,N,D]
	g := t.Add(z, r.attend(t, z, tokens, alpha))                  // Eq. 8
	logits := t.Linear(g, r.gate, r.gateBias).Reshape(B*r.N, r.M) // Eq. 9
	p := t.TopKSoftmax(logits, r.topExperts)                      // Eq. 10
	weights := t.ScaleRows(p, alpha.Reshape(B*r.N)).Reshape(B, r.N*r.M)

	route := &Route{Weights: weights, Alpha: alpha, Tokens: tokens, Sim: sim, Logits: logits}
	if t.probing() {
		t.as(r.name+".posterior", route.Posterior(t.Tape))
		t.as(r.name+".weights", weights)
		t.as(r.name+".tokens", tokens)
		t.as(r.name+".mask", alpha)
		t.as(r.name+".sim", sim)
		t.as(r.name+".g", g)
		t.as(r.name+".logits", logits.Reshape(B, r.N*r.M))
	}
	return route
}

// compare embeds features x [R,D], one sample per row, and returns their cosines to the
// prototypes: z = normalise(embed(x)), sim = z · normalise(P)ᵀ (Eq. 4).
func (r *PCGRM) compare(t *pass, x *Var) (z, sim *Var) {
	z = t.Normalize(r.embed.forward(t, x))
	return z, t.Linear(z, t.Normalize(r.Prototypes), nil)
}

// attend is the cross-attention of Eq. 8, [B,D].
//
// Differs from the paper, where the query z attends to the single vector 𝒫, which would
// give the same result for every x. Here it attends to the summands of 𝒫, and z is
// added to the result.
func (r *PCGRM) attend(t *pass, z, tokens, alpha *Var) *Var {
	B, D := z.Shape[0], z.Shape[1]
	return r.cross.Forward(t, z.Reshape(B, 1, D), tokens, alpha).Reshape(B, D)
}
