//go:build cuda

package cuda

import (
	"fmt"

	"clusir/internal/kernels"
)

// The tiles of gemm.cuh, and the shared memory of each of its uses in bytes:
// three stages of A and B with their padding.
const (
	tileM, tileN, tileK = 64, 128, 16

	tileLine    = (tileK + 8) * 4 // K contiguous: bytes of a row
	sharedFwd   = 3 * (tileM*tileLine + tileK*(tileN+4)*4)
	sharedDx    = 3 * (tileK*(tileM+4)*4 + tileK*(tileN+4)*4)
	sharedDw    = 3 * (tileM*tileLine + tileN*tileLine)
	gemmThreads = 128
)

// dwBlocks is how many blocks the product of dw is cut into, so that a GPU of 108
// multiprocessors is busy. It is a constant, so that all GPUs add in one order.
const dwBlocks = 216

// maxSources is the most tensors that the kernels concatenate.
const maxSources = 4

// conv1x1 holds the extents of a 1×1 convolution.
type conv1x1 struct {
	B, O, C, P int
	sources    []any // the kernels' arguments: 4 pointers, 4 ends
	ends       []int
}

func newConv1x1(op string, y, w kernels.Tensor, xs []kernels.Tensor) conv1x1 {
	c := conv1x1{B: y.Shape[0], O: y.Shape[1], P: y.Shape[2] * y.Shape[3]}
	if len(xs) == 0 || len(xs) > maxSources {
		panic(fmt.Sprintf("cuda: %s of %d tensors; there are kernels for 1 to %d", op, len(xs), maxSources))
	}
	for _, x := range xs {
		c.C += x.Shape[1]
		c.ends = append(c.ends, c.C)
		if x.Len() != c.B*x.Shape[1]*c.P {
			panic(fmt.Sprintf("cuda: %s: shapes %v and %v", op, x.Shape, y.Shape))
		}
	}
	if w.Len() != c.O*c.C {
		panic(fmt.Sprintf("cuda: %s: a weight %v from %d to %d channels", op, w.Shape, c.C, c.O))
	}
	for i := range maxSources {
		c.sources = append(c.sources, xs[min(i, len(xs)-1)])
	}
	for i := range maxSources {
		c.sources = append(c.sources, c.ends[min(i, len(xs)-1)])
	}
	return c
}

// product is the grid of a product with m rows and K terms a sum for each sample.
func (c conv1x1) product(m, k int) grid {
	return grid{
		x: ceil(m, tileM) * ceil(c.P, tileN), y: c.B, z: 1, threads: gemmThreads,
		macs: int64(m) * int64(k) * int64(c.B) * int64(c.P),
	}
}

// Conv1x1 computes y = w·concat(xs) + bias.
func (b *Backend) Conv1x1(y, w, bias kernels.Tensor, xs ...kernels.Tensor) {
	c := newConv1x1("Conv1x1", y, w, xs)
	g := c.product(c.O, c.C)
	g.shared = sharedFwd
	args := append([]any{y, w, bias}, c.sources...)
	b.launch(b.precise("conv1x1_fwd"), g, append(args, c.O, c.C, c.P)...)
}

// Conv1x1Grad is Conv1x1's gradient.
func (b *Backend) Conv1x1Grad(dxs []kernels.Tensor, dw, dbias, dy, w kernels.Tensor, xs ...kernels.Tensor) {
	c := newConv1x1("Conv1x1Grad", dy, w, xs)
	for i, dx := range dxs {
		if dx.IsZero() {
			continue
		}
		m := dx.Shape[1]
		g := c.product(m, c.O)
		g.shared = sharedDx
		b.launch(b.precise("conv1x1_dx"), g, dx, w, dy, c.O, c.C, c.ends[i]-m, m, c.P)
	}
	if !dw.IsZero() {
		b.conv1x1Weights(c, dw, dy)
	}
	if !dbias.IsZero() {
		b.launch("conv1x1_dbias", grid{x: c.O, y: 1, z: 1, threads: 256}, dbias, dy, c.B, c.O, c.P)
	}
}

// conv1x1Weights computes dw in parts and adds them.
func (b *Backend) conv1x1Weights(c conv1x1, dw, dy kernels.Tensor) {
	g := c.product(c.O, c.C)
	g.x, g.y, g.shared = ceil(c.O, tileM), ceil(c.C, tileN), sharedDw
	all := c.B * ceil(c.P, tileK) // steps along the pixels
	steps := ceil(all, ceil(dwBlocks, g.x*g.y))
	g.z = ceil(all, steps)
	n := c.O * c.C
	partial := b.Alloc(g.z, c.O, c.C)
	args := append([]any{partial, dy}, c.sources...)
	b.launch(b.precise("conv1x1_dw"), g, append(args, c.B, c.O, c.C, c.P, steps)...)
	b.launch("conv1x1_sum", over(n, perBlock, 256), dw, partial, g.z, n)
	b.Free(partial)
}

// precise is the variant of a kernel for this backend's precision.
func (b *Backend) precise(name string) string { return name + "_" + string(b.precision) }
