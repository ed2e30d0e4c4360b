//go:build cuda

package cuda

import (
	"fmt"

	"clusir/internal/kernels"
)

// fusedWidths are the widths of the kernels of experts_fused.cu and experts_fused_grad.cu.
var fusedWidths = []int{16, 32, 48, 64, 96}

// fusedShared and fusedGradShared return the bytes of shared memory of such kernels.
func fusedShared(width int) int     { return 4 * (236*width + 9248) }
func fusedGradShared(width int) int { return 1088*width + 49792 }

// fusedWidth returns the width of the kernel that computes a GatedFFN of C channels
// without writing what is between its products. It is 0 if that is left to a kernel for
// each of them: there are more channels than the widest kernel has, or a block of the
// device lacks the shared memory (99 KB on a GPU of compute capability 8.6 or 8.9, where
// the widest is 64; 163 KB on an A100). The two differ as rounding does.
func (b *Backend) fusedWidth(C int) int { return b.widthFor(C, fusedShared) }

// fusedGradWidth is the same for the first half of GatedFFN's gradient, of which there are
// kernels for bf16 alone; with 99 KB the widest is 32.
func (b *Backend) fusedGradWidth(C int) int {
	if b.precision != BF16 {
		return 0
	}
	return b.widthFor(C, fusedGradShared)
}

func (b *Backend) widthFor(C int, shared func(width int) int) int {
	for _, width := range fusedWidths {
		if C <= width && shared(width) <= b.sharedPerBlock {
			return width
		}
	}
	return 0
}

// fusedFFN is GatedFFN with the kernel of a width.
func (b *Backend) fusedFFN(width int, y, x kernels.Tensor, n kernels.Norm, fs []kernels.FFN, route kernels.Tensor) {
	B, C, H, W := x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]
	expand, depthwise, project := b.ffnAddresses(fs)
	g := grid{x: ceil(W, 16) * ceil(H, 8), y: B, z: 1, shared: fusedShared(width)}
	b.launch(b.precise(fmt.Sprintf("experts_fused_fwd_%d", width)), g, y, x, n.Weight, n.Bias,
		expand, depthwise, project, route, len(fs), C, fs[0].Project.Shape[1], H, W)
}

// fusedGrad computes de, gated and the sums, as gateGrad does, with the kernel of a width.
func (e *experts) fusedGrad(round, width int, de, gated, sums, u, dy kernels.Tensor) {
	g := grid{x: ceil(e.W, 16) * ceil(e.H, 8), y: e.B * e.slots, z: 1, shared: fusedGradShared(width)}
	partial := e.Alloc(e.B, e.slots, g.x, e.h, sumsPerChannel)
	e.launch(e.precise(fmt.Sprintf("experts_fused_grad_%d", width)), g, de, gated, partial, u, dy,
		e.expand, e.depthwise, e.project, e.expert(round), e.route, e.E, e.slots, e.C, e.h, e.H, e.W)
	e.launch("experts_fused_sum", grid{x: ceil(e.h*sumsPerChannel, 32), y: g.y, z: 1},
		sums, partial, e.expert(round), g.x, e.h*sumsPerChannel)
	e.Free(partial)
}
