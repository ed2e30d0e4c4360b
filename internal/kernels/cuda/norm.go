//go:build cuda

package cuda

import "clusir/internal/kernels"

// normed is a layer norm over the channels of x [B,C,H,W] within an operation: u is the
// result and stats, [B,2,H·W], is for its gradient.
type normed struct {
	x, u, stats kernels.Tensor
	n           kernels.Norm
	C, P        int
	grid        grid
}

// layerNorm normalises x, for a product; stored allocates the result, which the caller
// must free.
func (b *Backend) layerNorm(x kernels.Tensor, n kernels.Norm) normed {
	B, C, P := x.Shape[0], x.Shape[1], x.Shape[2]*x.Shape[3]
	l := normed{
		x: x, u: b.stored(P, B, C), stats: b.Alloc(B, 2, P), n: n, C: C, P: P,
		grid: grid{x: ceil(P, 32), y: B, z: 1},
	}
	b.launch(b.packed("layer_norm_fwd"), l.grid, l.u, l.stats, x, n.Weight, n.Bias, C, P, b.rounded())
	return l
}

// layerNormGrad adds to dx and dn the gradient that belongs to du, with a kernel and its
// sources of du: du itself and a residual, which is added to dx too, or what du is computed
// from. dx, dn's tensors and the residual may be absent.
func (b *Backend) layerNormGrad(kernel string, dx kernels.Tensor, dn kernels.Norm, l normed, sources ...any) {
	var partial kernels.Tensor
	blocks := l.grid.x * l.grid.y
	if !dn.Weight.IsZero() || !dn.Bias.IsZero() {
		partial = b.Alloc(2, l.C, blocks)
	}
	add := !b.fresh(dx)
	args := append([]any{dx, partial}, sources...)
	b.launch(kernel, l.grid, append(args, l.x, l.stats, l.n.Weight, l.C, l.P, add)...)
	for i, d := range []kernels.Tensor{dn.Weight, dn.Bias} {
		if !d.IsZero() {
			b.launch("rows_sum", perRow(l.C), d, inside(partial, i*l.C*blocks, l.C, blocks), l.C, blocks)
		}
	}
	b.Free(partial)
}

// convolvedNorm is the largest number of channels for which a kernel computes the gradient of
// LN and of the convolution after it in one, from which sums are formed that cancel: those
// of dn. It is in float32, which pays if memory is the bottleneck.
const convolvedNorm = 96

// layerNormConv1x1Grad adds to dx and dn the gradient of w·LN(x), from that of the result.
func (b *Backend) layerNormConv1x1Grad(dx kernels.Tensor, dn kernels.Norm, dz, w kernels.Tensor, l normed) {
	if l.C <= convolvedNorm {
		b.layerNormGrad("layer_norm_conv1x1_grad", dx, dn, l, dz, w, dz.Shape[1])
		return
	}
	du := b.Alloc(l.x.Shape...)
	c := newConv1x1("LN and Conv1x1", dz, w, []kernels.Tensor{l.x})
	b.conv1x1Input(b.atLeastTF32("conv1x1_dx"), c, du, dz, w, l.C, false)
	b.layerNormGrad("layer_norm_grad", dx, dn, l, du, kernels.Tensor{})
	b.Free(du)
}

// layerNormConv1x1 computes y = w·LN(x), w [O,C], in y that stored allocates. LN(x) is not
// written.
func (b *Backend) layerNormConv1x1(y, x kernels.Tensor, n kernels.Norm, w kernels.Tensor) {
	c := newConv1x1("LN and Conv1x1", kernels.Tensor{Shape: kernels.Shape{x.Shape[0], y.Shape[1], x.Shape[2], x.Shape[3]}}, w, []kernels.Tensor{x})
	folded, bias := b.Alloc(c.O, c.C), b.Alloc(c.O)
	b.launch("layer_norm_fold", over(c.O, 8), folded, bias, w, n.Weight, n.Bias, c.O, c.C)
	b.launch(b.precise("conv1x1_norm"), c.product(c.O, sharedFwd), y, folded, bias, x, c.O, c.C, c.P)
	b.free(folded, bias)
}
