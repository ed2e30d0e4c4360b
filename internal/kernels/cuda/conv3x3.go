//go:build cuda

package cuda

import (
	"slices"

	"clusir/internal/kernels"
)

// The tiles of kernels/conv3x3.cu: a patch with its border, the channels of a step and
// of a block of dw, and the shared memory of two steps in bytes.
const (
	patchSide, patchBorder = 8, 10 * 10

	stepChannels, dwChannels = 8, 16

	shared3x3Fwd = 2 * 4 * (tileM*(9*stepChannels+4) + 2*stepChannels*patchBorder)
	shared3x3Dx  = 2 * 4 * (stepChannels*(9*tileM+8) + 2*stepChannels*patchBorder)
	shared3x3Dw  = 2 * 4 * (tileM*(patchSide*patchSide+4) + dwChannels*patchBorder)
)

// conv3x3 holds the extents of a 3×3 convolution and how y is stored: 0 plain, 1
// through the pixel-unshuffle, 2 through the pixel-shuffle.
type conv3x3 struct{ B, C, O, H, W, layout int }

func newConv3x3(op string, y, x, w kernels.Tensor) conv3x3 {
	c := conv3x3{B: x.Shape[0], C: x.Shape[1], O: w.Shape[0], H: x.Shape[2], W: x.Shape[3]}
	layouts := []kernels.Shape{{c.B, c.O, c.H, c.W}, {c.B, 4 * c.O, c.H / 2, c.W / 2}, {c.B, c.O / 4, 2 * c.H, 2 * c.W}}
	c.layout = slices.IndexFunc(layouts, y.Shape.Equal)
	check(c.layout >= 0 && y.Len() == c.B*c.O*c.H*c.W && w.Len() == 9*c.O*c.C, op, y, x, w)
	return c
}

func (c conv3x3) patches() int { return c.B * ceil(c.H, patchSide) * ceil(c.W, patchSide) }

// grid returns the grid of fwd and dx with m output channels.
func (c conv3x3) grid(m, shared int) grid {
	return grid{x: ceil(m, tileM) * ceil(c.patches(), 2), y: 1, z: 1, shared: shared}
}

// Conv3x3 is a zero-padded cross-correlation, stored as y's shape indicates.
func (b *Backend) Conv3x3(y, x, w kernels.Tensor) {
	c := newConv3x3("Conv3x3", y, x, w)
	b.launch(b.precise("conv3x3_fwd"), c.grid(c.O, shared3x3Fwd), y, w, x, c.B, c.C, c.O, c.H, c.W, c.layout)
}

// Conv3x3Grad is Conv3x3's gradient. The sums of dw are computed in two steps, in a
// fixed order.
func (b *Backend) Conv3x3Grad(dx, dw, dy, x, w kernels.Tensor) {
	c := newConv3x3("Conv3x3Grad", dy, x, w)
	b.gradient(b.precise("conv3x3_dx"), c.grid(c.C, shared3x3Dx), dx, w, dy, c.B, c.C, c.O, c.H, c.W, c.layout, !b.fresh(dx))
	if dw.IsZero() {
		return
	}
	g := grid{x: ceil(c.O, tileM), y: ceil(c.C, dwChannels), shared: shared3x3Dw}
	steps := ceil(c.patches(), ceil(dwBlocks, g.x*g.y))
	g.z = ceil(c.patches(), steps)
	partial := b.Alloc(g.z, c.O, c.C, 9)
	b.launch(b.precise("conv3x3_dw"), g, partial, dy, x, c.B, c.C, c.O, c.H, c.W, c.layout, steps)
	b.addParts(dw, partial, 1, g.z)
	b.Free(partial)
}
