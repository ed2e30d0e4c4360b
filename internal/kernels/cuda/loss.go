//go:build cuda

package cuda

import "clusir/internal/kernels"

// sumBlock is how many numbers a block of a reduction handles.
const sumBlock = 4096

// L1 is the mean of |x − t|, smooth within ±β, summed in two steps.
func (b *Backend) L1(y, x, t kernels.Tensor, beta float32) {
	same("L1", x, t)
	n := x.Len()
	g := over(n, sumBlock)
	partial := b.Alloc(g.x)
	b.launch("l1_parts", g, partial, x, t, int64(n), beta)
	b.launch("mean_of", over(1, 1), y, partial, g.x, int64(n))
	b.Free(partial)
}

// L1Grad is L1's gradient.
func (b *Backend) L1Grad(dx, dy, x, t kernels.Tensor, beta float32) {
	if dx.IsZero() {
		return
	}
	same("L1Grad", dx, x, t)
	n := x.Len()
	b.launch("l1_grad", over(n, perBlock), dx, dy, x, t, int64(n), beta)
}

// Orthogonality is the mean squared entry of P̂P̂ᵀ − I, where P̂ are the normalised
// rows of p.
func (b *Backend) Orthogonality(y, p kernels.Tensor) {
	N, D := p.Shape[0], p.Shape[1]
	b.launch("orthogonality_fwd", grid{x: 1, y: 1, z: 1, shared: 8 * N}, y, p, N, D)
}

// OrthogonalityGrad is Orthogonality's gradient.
func (b *Backend) OrthogonalityGrad(dp, dy, p kernels.Tensor) {
	N, D := p.Shape[0], p.Shape[1]
	b.gradient("orthogonality_grad", grid{x: N, y: 1, z: 1, shared: 8 * N}, dp, dy, p, N, D)
}
