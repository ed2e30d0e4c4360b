//go:build cuda

package cuda

import (
	"fmt"

	"clusir/internal/kernels"
)

// fusedWidths are the widths of the kernels of experts_fused.cu.
var fusedWidths = []int{16, 32, 48, 64, 96}

// fusedShared returns the bytes of shared memory of such a kernel.
func fusedShared(width int) int { return 4 * (236*width + 9248) }

// fusedWidth returns the width of the kernel that computes a GatedFFN of C channels
// without writing what is between its products. It is 0 if that is left to a kernel for
// each of them: there are more channels than the widest kernel has, or a block of the
// device lacks the shared memory (99 KB on a GPU of compute capability 8.6 or 8.9, where
// the widest is 64; 163 KB on an A100). The two differ as rounding does.
func (b *Backend) fusedWidth(C int) int {
	for _, width := range fusedWidths {
		if C <= width && fusedShared(width) <= b.sharedPerBlock {
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
