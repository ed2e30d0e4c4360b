//go:build cuda

package cuda

import (
	"fmt"

	"clusir/internal/kernels"
)

// The tiles of gemm.cuh, and the shared memory of each of its uses in bytes: three
// stages of A and B with their padding.
const (
	tileM, tileN, tileK = 64, 128, 16

	tileLine  = (tileK + 4) * 4 // K contiguous: bytes of a row
	sharedFwd = 3 * (tileM*tileLine + tileK*(tileN+8)*4)
	sharedDx  = 3 * (tileK*(tileM+8)*4 + tileK*(tileN+8)*4)
	sharedNT  = 3 * (tileM*tileLine + tileN*tileLine)
)

// dwBlocks is the number of blocks into which the product for dw is divided, to keep a
// GPU with 108 multiprocessors busy, and smallBlocks that for tiles of 64×64, of which a
// multiprocessor holds twice as many; there they are groups of threads (dwGroups). They are
// constants, so that all GPUs add in the same order.
const dwBlocks, smallBlocks = 216, 432

// dwGroups is the number of groups of threads that divide the terms of dw among themselves,
// in each of a block's parts of them: gemm::groups.
func dwGroups(p Precision) int {
	if p == BF16 {
		return 4
	}
	return 2
}

// sharedDw is the shared memory of such a block; at bf16 lines are not padded.
func sharedDw(p Precision) int {
	line := tileLine
	if p == BF16 {
		line = tileK * 4
	}
	return dwGroups(p) * 3 * 2 * tileM * line
}

// maxSources is the largest number of tensors that the kernels concatenate.
const maxSources = 4

// conv1x1 holds the extents of a 1×1 convolution.
type conv1x1 struct {
	B, O, C, P int
	stride     int64 // between the samples' weights; 0 if they have the same
	sources    []any // the kernels' arguments: 4 pointers, 4 ends
	ends       []int
	stored     bool // the source is as Backend.stored allocates it
}

// newConv1x1 describes a convolution by w [O,C], or by one w per sample, [B,O,C].
func newConv1x1(op string, y, w kernels.Tensor, xs []kernels.Tensor) conv1x1 {
	c := conv1x1{B: y.Shape[0], O: y.Shape[1], P: y.Shape[2] * y.Shape[3]}
	if len(xs) == 0 || len(xs) > maxSources {
		panic(fmt.Sprintf("cuda: %s of %d tensors; there are kernels for 1 to %d", op, len(xs), maxSources))
	}
	for _, x := range xs {
		c.C += x.Shape[1]
		c.ends = append(c.ends, c.C)
		check(x.Len() == c.B*x.Shape[1]*c.P, op, y, x)
	}
	weights := 1
	if len(w.Shape) == 3 {
		weights, c.stride = c.B, int64(c.O*c.C)
	}
	check(w.Len() == weights*c.O*c.C, op, append([]kernels.Tensor{y, w}, xs...)...)
	for i := range maxSources {
		c.sources = append(c.sources, xs[min(i, len(xs)-1)])
	}
	for i := range maxSources {
		c.sources = append(c.sources, c.ends[min(i, len(xs)-1)])
	}
	return c
}

// ofStored is newConv1x1 of a source that Backend.stored has allocated, [B,C,...].
func ofStored(op string, y, w, x kernels.Tensor) conv1x1 {
	c := newConv1x1(op, y, w, []kernels.Tensor{{Shape: kernels.Shape{y.Shape[0], x.Shape[1], y.Shape[2], y.Shape[3]}}})
	for i := range maxSources {
		c.sources[i] = x
	}
	c.stored = true
	return c
}

// product returns the grid of a product with m rows for each sample.
func (c conv1x1) product(m, shared int) grid {
	return grid{x: ceil(m, tileM) * ceil(c.P, tileN), y: c.B, z: 1, shared: shared}
}

// Conv1x1 computes y = w·concat(xs) + bias.
func (b *Backend) Conv1x1(y, w, bias kernels.Tensor, xs ...kernels.Tensor) {
	b.project(b.precise("conv1x1_fwd"), y, w, bias, xs...)
}

// project computes y = w·concat(xs) + bias with the given kernel.
func (b *Backend) project(kernel string, y, w, bias kernels.Tensor, xs ...kernels.Tensor) {
	b.convolve(kernel, newConv1x1("Conv1x1", y, w, xs), y, w, bias, kernels.Tensor{})
}

// convolve computes y = w·concat(c's sources) + bias + res with the given kernel.
func (b *Backend) convolve(kernel string, c conv1x1, y, w, bias, res kernels.Tensor) {
	args := append([]any{y, w, bias, res}, c.sources...)
	b.launch(kernel, c.product(c.O, sharedFwd), append(args, c.O, c.C, c.P, c.stride)...)
}

// Conv1x1Grad is Conv1x1's gradient.
func (b *Backend) Conv1x1Grad(dxs []kernels.Tensor, dw, dbias, dy, w kernels.Tensor, xs ...kernels.Tensor) {
	c := newConv1x1("Conv1x1Grad", dy, w, xs)
	for i, dx := range dxs {
		b.conv1x1Input(b.precise("conv1x1_dx"), c, dx, dy, w, c.ends[i], true)
	}
	b.conv1x1Weights(c, dw, dy)
	b.gradient("conv1x1_dbias", grid{x: c.O, y: 1, z: 1}, dbias, dy, c.B, c.O, c.P) // sums over samples and pixels
}

// conv1x1Input computes the gradient of the source whose channels end at end, or adds
// it to dx, with the given kernel.
func (b *Backend) conv1x1Input(kernel string, c conv1x1, dx, dy, w kernels.Tensor, end int, add bool) {
	if dx.IsZero() {
		return
	}
	m := dx.Shape[1]
	add = add && !b.fresh(dx)
	b.launch(kernel, c.product(m, sharedDx), dx, w, dy, c.O, c.C, end-m, m, c.P, c.stride, add)
}

// conv1x1Weights computes dw in parts and adds them. If each sample has its own
// weights, a part belongs to one sample.
func (b *Backend) conv1x1Weights(c conv1x1, dw, dy kernels.Tensor) {
	if dw.IsZero() {
		return
	}
	groups, samples := 1, c.B
	if c.stride > 0 {
		groups, samples = c.B, 1
	}
	g := c.product(c.O, sharedDw(b.precision))
	g.x, g.y = ceil(c.O, tileM), ceil(c.C, tileM)
	steps := samples * ceil(c.P, tileK)                    // along the pixels of a group
	each := ceil(steps, ceil(smallBlocks, g.x*g.y*groups)) // of each group of threads
	parts := ceil(steps, each*dwGroups(b.precision))
	g.z = groups * parts
	partial := b.Alloc(g.z, c.O, c.C)
	args, kernel := append([]any{partial, dy}, c.sources...), "conv1x1_dw"
	if c.stored {
		kernel = b.packed(kernel)
	}
	b.launch(b.precise(kernel), g, append(args, c.O, c.C, c.P, each, steps, parts)...)
	b.addParts(dw, partial, groups, parts)
	b.Free(partial)
}

// addParts adds to each of dw's groups the sum of its parts, partial
// [groups,parts,...].
func (b *Backend) addParts(dw any, partial kernels.Tensor, groups, parts int) {
	n := partial.Len() / (groups * parts)
	g := over(n, perBlock)
	g.y = groups
	whole, _ := dw.(kernels.Tensor) // or a part of one
	b.launch("conv1x1_sum", g, dw, partial, parts, n, !b.fresh(whole))
}

// atLeastTF32 returns the variant of a kernel that rounds to no less than TF32, which
// costs nothing if memory is the bottleneck.
func (b *Backend) atLeastTF32(name string) string {
	if b.precision == BF16 {
		return name + "_tf32"
	}
	return b.precise(name)
}

// rounded reports whether a kernel must round to TF32 what it writes for products, so that
// it is done once instead of in the inner loop of each product.
func (b *Backend) rounded() bool { return b.precision == TF32 }

// precise returns the variant of a kernel for this backend's precision.
func (b *Backend) precise(name string) string { return name + "_" + string(b.precision) }
