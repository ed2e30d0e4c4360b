//go:build cuda

package cuda

import "clusir/internal/kernels"

// slotsPerRound is how many experts of a sample run at once, if there are that many.
// Routers keep a few of their experts, but only the device knows which and how many:
// later rounds are launched, and find nothing to do.
const slotsPerRound = 4

// experts is one run of GatedFFN or of its gradient.
type experts struct {
	*Backend
	B, C, P, H, W, h, E int
	slots, rounds       int

	expand, depthwise, project kernels.Tensor // tables of addresses
	route                      kernels.Tensor
	plan                       kernels.Tensor // the output of experts_dispatch
}

// checkExperts panics if the shapes of an operation's tensors do not match.
func checkExperts(op string, x kernels.Tensor, fs []kernels.FFN, route kernels.Tensor) {
	C, h := x.Shape[1], fs[0].Project.Shape[1]
	for _, f := range fs {
		fits := f.Expand.Len() == 2*h*C && f.Depthwise.Len() == 18*h && f.Project.Len() == h*C
		check(fits, op, x, f.Expand, f.Depthwise, f.Project)
	}
	check(route.IsZero() && len(fs) == 1 || !route.IsZero() && route.Len() == x.Shape[0]*len(fs), op, x, route)
}

// newExperts dispatches the samples of x to the experts; the caller must free the plan.
func (b *Backend) newExperts(x kernels.Tensor, fs []kernels.FFN, route kernels.Tensor) *experts {
	e := &experts{
		Backend: b, B: x.Shape[0], C: x.Shape[1], P: x.Shape[2] * x.Shape[3], H: x.Shape[2], W: x.Shape[3],
		h: fs[0].Project.Shape[1], E: len(fs), route: route,
	}
	e.slots = min(e.E, slotsPerRound)
	e.rounds = ceil(e.E, e.slots)
	e.expand, e.depthwise, e.project = b.ffnAddresses(fs)
	e.plan = b.Alloc(e.B*e.E + e.rounds*(e.B*e.slots+e.E*e.B+e.E))
	b.launch("experts_dispatch", over(1, 1), e.plan, e.expert(0), e.list(0), e.count(0), route, e.B, e.E, e.slots)
	return e
}

// ffnAddresses returns tables of the addresses of each network's tensors.
func (b *Backend) ffnAddresses(fs []kernels.FFN) (expand, depthwise, project kernels.Tensor) {
	var ts [3][]kernels.Tensor
	for _, f := range fs {
		ts[0], ts[1], ts[2] = append(ts[0], f.Expand), append(ts[1], f.Depthwise), append(ts[2], f.Project)
	}
	return b.addresses(ts[0]...), b.addresses(ts[1]...), b.addresses(ts[2]...)
}

// The parts of a plan that belong to a round.
func (e *experts) expert(round int) from {
	return inside(e.plan, e.B*e.E+round*e.B*e.slots, e.B, e.slots)
}
func (e *experts) list(round int) from {
	return inside(e.plan, e.B*e.E+e.rounds*e.B*e.slots+round*e.E*e.B, e.E, e.B)
}
func (e *experts) count(round int) from {
	return inside(e.plan, e.B*e.E+e.rounds*(e.B*e.slots+e.E*e.B)+round*e.E, e.E)
}

// channels allocates n numbers for each job of a round and each pixel.
func (e *experts) channels(n int) kernels.Tensor { return e.stored(e.P, e.B, e.slots, n) }

// stored allocates rows of p numbers that only the kernels of an operation read: at the
// precision bf16 they are Bf16 (common.cuh), and the shape counts pairs.
func (b *Backend) stored(p int, rows ...int) kernels.Tensor {
	if b.precision == BF16 {
		p = ceil(p, 8) * 4
	}
	return b.Alloc(append(rows, p)...)
}

// packed returns the variant of a kernel for tensors that stored allocated.
func (b *Backend) packed(name string) string {
	if b.precision == BF16 {
		return name + "_packed"
	}
	return name
}

// product runs a product with m rows and k terms per sum, for each of the given number
// of samples or jobs.
func (e *experts) product(name string, shared, of, m, k int, args ...any) {
	g := grid{x: ceil(m, tileM) * ceil(e.P, tileN), y: of, z: 1, shared: shared}
	e.launch(e.precise(name), g, append(args, e.slots, m, k, e.P)...)
}

// GatedFFN computes y = x + Σ_e route_e F_e(LN(x)).
func (b *Backend) GatedFFN(y, x kernels.Tensor, n kernels.Norm, fs []kernels.FFN, route kernels.Tensor) {
	checkExperts("GatedFFN", x, fs, route)
	if width := b.fusedWidth(x.Shape[1]); width > 0 {
		b.fusedFFN(width, y, x, n, fs, route)
		return
	}
	e := b.newExperts(x, fs, route)
	l := b.layerNorm(x, n)
	expanded, gated := e.channels(2*e.h), e.channels(e.h)
	base := x
	for r := range e.rounds {
		e.product("experts_expand_fwd", sharedFwd, e.B*e.slots, 2*e.h, e.C, expanded, e.expand, e.expert(r), l.u)
		e.gate(r, gated, expanded)
		e.product("experts_project_fwd", sharedFwd, e.B, e.C, e.h, y, base, e.project, e.expert(r), gated)
		base = y
	}
	b.free(expanded, gated, l.u, l.stats, e.plan)
}

// gate computes gated from expanded.
func (e *experts) gate(round int, gated, expanded kernels.Tensor) {
	pieces := e.h * ceil(e.H, 4) * ceil(e.W, 4)
	e.launch(e.packed("gate_fwd"), grid{x: ceil(pieces, 128), y: e.B * e.slots, z: 1},
		gated, expanded, e.depthwise, e.expert(round), e.route, e.E, e.slots, e.h, e.H, e.W, e.rounded())
}

// expertGrads are the destinations of GatedFFN's gradient; those that are not wanted are
// absent.
type expertGrads struct {
	expand, depthwise, project kernels.Tensor // tables of addresses
	du, droute                 kernels.Tensor
}

// GatedFFNGrad is GatedFFN's gradient. It recomputes the intermediate results of the
// forward pass.
func (b *Backend) GatedFFNGrad(dx kernels.Tensor, dn kernels.Norm, dfs []kernels.FFN, droute, dy, x kernels.Tensor,
	n kernels.Norm, fs []kernels.FFN, route kernels.Tensor) {
	checkExperts("GatedFFNGrad", x, fs, route)
	e := b.newExperts(x, fs, route)
	l := b.layerNorm(x, n)
	d := expertGrads{droute: droute}
	d.expand, d.depthwise, d.project = b.ffnAddresses(dfs)
	if !dx.IsZero() || !dn.Weight.IsZero() || !dn.Bias.IsZero() {
		d.du = b.stored(e.P, e.B, e.C)
	}
	e.backward(d, l.u, dy)
	if !d.du.IsZero() {
		b.layerNormGrad(b.packed("layer_norm_grad"), dx, dn, l, d.du, dy)
	}
	b.free(d.du, l.u, l.stats, e.plan)
}

// backward runs all rounds.
func (e *experts) backward(d expertGrads, u, dy kernels.Tensor) {
	de, gated, sums := e.channels(2*e.h), e.channels(e.h), e.gateSums()
	for r := range e.rounds {
		if width := e.fusedGradWidth(e.C); width > 0 {
			e.fusedGrad(r, width, de, gated, sums, u, dy)
		} else {
			expanded, q := e.channels(2*e.h), e.channels(e.h)
			e.product("experts_expand_fwd", sharedFwd, e.B*e.slots, 2*e.h, e.C, expanded, e.expand, e.expert(r), u)
			e.product("experts_project_dx", sharedDx, e.B*e.slots, e.h, e.C, q, e.project, e.expert(r), dy)
			e.gateGrad(r, de, gated, sums, expanded, q)
			e.free(expanded, q)
		}
		e.addSums(r, d, sums)
		e.productGrads(r, d, de, gated, dy, u)
	}
	e.free(de, gated, sums)
}

// sumsPerChannel is how many sums along pixels the gradient has of each hidden channel of a
// job: those of 18 taps, and the route's.
const sumsPerChannel = 19

// gateSums allocates them.
func (e *experts) gateSums() kernels.Tensor { return e.Alloc(e.B, e.slots, e.h, sumsPerChannel) }

// gateGrad computes de, gated and the sums.
func (e *experts) gateGrad(round int, de, gated, sums, expanded, q kernels.Tensor) {
	e.launch(e.packed("gate_grad"), grid{x: e.h, y: e.B * e.slots, z: 1},
		de, gated, sums, expanded, q, e.depthwise, e.expert(round), e.route, e.E, e.slots, e.h, e.H, e.W, e.rounded())
}

// addSums adds a round's sums to the gradients of the depthwise filters and of the route.
func (e *experts) addSums(round int, d expertGrads, sums kernels.Tensor) {
	if !d.depthwise.IsZero() {
		e.launch("gate_dw", grid{x: ceil(18*e.h, 128), y: e.E, z: 1},
			d.depthwise, sums, e.list(round), e.count(round), e.B, e.h)
	}
	if jobs := e.B * e.slots; !d.droute.IsZero() {
		e.launch("gate_droute", over(jobs, 4), d.droute, sums, e.expert(round), jobs, e.E, e.slots, e.h)
	}
}

// productGrads adds a round to du and to the gradients of Expand and Project.
func (e *experts) productGrads(round int, d expertGrads, de, gated, dy, u kernels.Tensor) {
	if !d.du.IsZero() {
		base := d.du
		if round == 0 {
			base = kernels.Tensor{}
		}
		e.product("experts_expand_dx", sharedDx, e.B, e.C, 2*e.h, d.du, base, e.expand, e.expert(round), de)
	}
	if !d.expand.IsZero() {
		e.weights("experts_expand_dw", round, d.expand, de, u, 2*e.h, e.C)
	}
	if !d.project.IsZero() {
		e.weights("experts_project_dw", round, d.project, dy, gated, e.C, e.h)
	}
}

// weights adds the product of two tensors along the pixels of a round's jobs to the m×n
// gradients of a table, in parts.
func (e *experts) weights(name string, round int, dw, dy, x kernels.Tensor, m, n int) {
	tiles := ceil(m, tileM) * ceil(n, tileM)
	parts := min(ceil(smallBlocks, tiles*e.E*dwGroups(e.precision)), e.B*ceil(e.P, tileK))
	partial := e.Alloc(parts, e.E, m, n)
	e.launch(e.precise(name), grid{x: tiles, y: e.E, z: parts, shared: sharedDw(e.precision)},
		partial, dy, x, e.list(round), e.count(round), e.B, e.slots, m, n, e.P)
	e.launch("experts_dw_sum", grid{x: ceil(m*n, perBlock), y: e.E, z: 1},
		dw, partial, e.count(round), parts, m*n)
	e.Free(partial)
}
