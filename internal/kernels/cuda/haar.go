//go:build cuda

package cuda

import (
	"fmt"

	"clusir/internal/kernels"
)

// haar returns the grid of a transform of x [B,C,H,W] and the last arguments of its
// kernel: the extents, and the distances between samples of ll and of the bands.
func haar(op string, x kernels.Tensor, lls, bands int) (grid, []any) {
	if len(x.Shape) != 4 || x.Shape[2]%2 != 0 || x.Shape[3]%2 != 0 {
		panic(fmt.Sprintf("cuda: %s of %v: both sides must be even", op, x.Shape))
	}
	B, C, h, w := x.Shape[0], x.Shape[1], x.Shape[2]/2, x.Shape[3]/2
	return inPlanes(ceil(h*ceil(w, 4), 256), B*C), []any{B, C, h, w, int64(lls * C * h * w), int64(bands * C * h * w)}
}

// apart is haar for separate tensors ll and bands.
func apart(op string, x, ll, bands kernels.Tensor) (grid, []any) {
	if n := x.Len() / 4; !ll.IsZero() && ll.Len() != n || !bands.IsZero() && bands.Len() != 3*n {
		panic(fmt.Sprintf("cuda: %s: shapes %v, %v, %v", op, x.Shape, ll.Shape, bands.Shape))
	}
	return haar(op, x, 1, 3)
}

// DWT splits x into its Haar subbands.
func (b *Backend) DWT(ll, bands, x kernels.Tensor) {
	g, extents := apart("DWT", x, ll, bands)
	b.launch("dwt_fwd", g, append([]any{ll, bands, x}, extents...)...)
}

// DWTGrad is DWT's gradient.
func (b *Backend) DWTGrad(dx, dll, dbands kernels.Tensor) {
	if dx.IsZero() {
		return
	}
	g, extents := apart("DWTGrad", dx, dll, dbands)
	b.launch("dwt_grad", g, append([]any{dx, dll, dbands}, extents...)...)
}

// IDWT inverts DWT and adds res unless it is absent.
func (b *Backend) IDWT(y, ll, bands, res kernels.Tensor) {
	g, extents := apart("IDWT", y, ll, bands)
	b.launch("idwt_fwd", g, append([]any{y, ll, bands, res}, extents...)...)
}

// IDWTGrad is IDWT's gradient except for res, whose gradient is dy.
func (b *Backend) IDWTGrad(dll, dbands, dy kernels.Tensor) {
	if dll.IsZero() && dbands.IsZero() {
		return
	}
	g, extents := apart("IDWTGrad", dy, dll, dbands)
	b.launch("idwt_grad", g, append([]any{dll, dbands, dy}, extents...)...)
}

// split computes s [B,4C,H/2,W/2], the subbands of x [B,C,H,W] as LL, HL, LH, HH, or
// adds them to s.
func (b *Backend) split(s, x kernels.Tensor, add bool) {
	kernel := "dwt_fwd"
	if add {
		kernel = "idwt_grad"
	}
	g, extents := haar("split", x, 4, 4)
	b.launch(kernel, g, append([]any{s, from{s, x.Len() / x.Shape[0] / 4}, x}, extents...)...)
}

// join inverts split.
func (b *Backend) join(x, s kernels.Tensor) {
	g, extents := haar("join", x, 4, 4)
	b.launch("idwt_fwd", g, append([]any{x, s, from{s, x.Len() / x.Shape[0] / 4}, kernels.Tensor{}}, extents...)...)
}
