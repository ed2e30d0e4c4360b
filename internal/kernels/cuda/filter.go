//go:build cuda

package cuda

import "clusir/internal/kernels"

// BatchNorm normalises x [B,N] over B and updates the running statistics.
func (b *Backend) BatchNorm(y, x, weight, bias, mean, variance kernels.Tensor, momentum float32) {
	B, N := x.Shape[0], x.Shape[1]
	b.launch("batch_norm_fwd", each(N), y, mean, variance, x, weight, bias, B, N, momentum)
}

// BatchNormGrad is BatchNorm's gradient.
func (b *Backend) BatchNormGrad(dx, dweight, dbias, dy, x, weight kernels.Tensor) {
	B, N := x.Shape[0], x.Shape[1]
	b.launch("batch_norm_grad", each(N), dx, dweight, dbias, dy, x, weight, B, N)
}

// BatchNormInfer normalises with the running statistics.
func (b *Backend) BatchNormInfer(y, x, weight, bias, mean, variance kernels.Tensor) {
	B, N := x.Shape[0], x.Shape[1]
	b.launch("batch_norm_infer", each(B*N), y, x, weight, bias, mean, variance, B, N)
}

// dynamicFilter holds the extents of a dynamic filter: x [B,C,H,W], taps [B,G,K²].
type dynamicFilter struct{ B, C, H, W, G, K int }

func newDynamicFilter(op string, x, f kernels.Tensor) dynamicFilter {
	d := dynamicFilter{x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], f.Shape[1], 1}
	for d.K*d.K < f.Shape[2] {
		d.K += 2
	}
	check(d.K*d.K == f.Shape[2] && d.C%d.G == 0 && min(d.H, d.W) > d.K/2, op, x, f)
	return d
}

func (d dynamicFilter) grid() grid {
	return inPlanes(ceil(d.H*ceil(d.W, 4), 256), d.B*d.C)
}

// DynamicFilter computes low, x filtered with its own taps, and high = x − low.
func (b *Backend) DynamicFilter(low, high, x, f kernels.Tensor) {
	d := newDynamicFilter("DynamicFilter", x, f)
	b.launch("dynamic_filter_fwd", d.grid(), low, high, x, f, d.B, d.C, d.H, d.W, d.G, d.K)
}

// dfRows is how many rows of a plane a block of dynamic_filter_df sums.
const dfRows = 32

// DynamicFilterGrad is DynamicFilter's gradient.
func (b *Backend) DynamicFilterGrad(dx, df, dlow, dhigh, x, f kernels.Tensor) {
	d := newDynamicFilter("DynamicFilterGrad", x, f)
	b.gradient("dynamic_filter_dx", d.grid(), dx, dlow, dhigh, f, d.B, d.C, d.H, d.W, d.G, d.K)
	b.sums("dynamic_filter_df", grid{x: d.C / d.G * ceil(d.H, dfRows), y: d.B * d.G, z: 1}, df,
		dlow, dhigh, x, d.C, d.H, d.W, d.G, d.K)
}

// SigmoidGate computes y = σ(g) ⊙ x.
func (b *Backend) SigmoidGate(y, g, x kernels.Tensor) {
	same("SigmoidGate", y, g, x)
	n := y.Len()
	b.launch("sigmoid_gate_fwd", over(n, perBlock), y, g, x, int64(n))
}

// SigmoidGateGrad is SigmoidGate's gradient.
func (b *Backend) SigmoidGateGrad(dg, dx, dy, g, x kernels.Tensor) {
	same("SigmoidGateGrad", dy, g, x)
	n := dy.Len()
	b.launch("sigmoid_gate_grad", over(n, perBlock), dg, dx, dy, g, x, int64(n), !b.fresh(dg, dx))
}
