//go:build cuda

package cuda

import (
	"fmt"

	"clusir/internal/kernels"
)

// haar is the grid and the extents of a transform of x [B,C,H,W].
func haar(op string, x, ll, bands kernels.Tensor) (g grid, B, C, h, w int) {
	if len(x.Shape) != 4 || x.Shape[2]%2 != 0 || x.Shape[3]%2 != 0 {
		panic(fmt.Sprintf("cuda: %s of %v: both sides must be even", op, x.Shape))
	}
	B, C, h, w = x.Shape[0], x.Shape[1], x.Shape[2]/2, x.Shape[3]/2
	if n := B * C * h * w; !ll.IsZero() && ll.Len() != n || !bands.IsZero() && bands.Len() != 3*n {
		panic(fmt.Sprintf("cuda: %s: shapes %v, %v, %v", op, x.Shape, ll.Shape, bands.Shape))
	}
	const most = 65535 // blocks along y
	g = grid{x: ceil(h*ceil(w, 4), 256), y: min(B*C, most), z: ceil(B*C, most), threads: 256}
	return g, B, C, h, w
}

// DWT splits x into its Haar subbands.
func (b *Backend) DWT(ll, bands, x kernels.Tensor) {
	g, B, C, h, w := haar("DWT", x, ll, bands)
	b.launch("dwt_fwd", g, ll, bands, x, B, C, h, w)
}

// DWTGrad is DWT's gradient.
func (b *Backend) DWTGrad(dx, dll, dbands kernels.Tensor) {
	if dx.IsZero() {
		return
	}
	g, B, C, h, w := haar("DWTGrad", dx, dll, dbands)
	b.launch("dwt_grad", g, dx, dll, dbands, B, C, h, w)
}

// IDWT inverts DWT and adds res unless it is absent.
func (b *Backend) IDWT(y, ll, bands, res kernels.Tensor) {
	g, B, C, h, w := haar("IDWT", y, ll, bands)
	b.launch("idwt_fwd", g, y, ll, bands, res, B, C, h, w)
}

// IDWTGrad is IDWT's gradient but for res, whose gradient is dy.
func (b *Backend) IDWTGrad(dll, dbands, dy kernels.Tensor) {
	if dll.IsZero() && dbands.IsZero() {
		return
	}
	g, B, C, h, w := haar("IDWTGrad", dy, dll, dbands)
	b.launch("idwt_grad", g, dll, dbands, dy, B, C, h, w)
}
