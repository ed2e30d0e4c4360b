//go:build cuda

package cuda

import "clusir/internal/kernels"

// haar returns the grid of a transform of an x of that shape [B,C,H,W] and the last
// arguments of its kernel: the extents, and the channels between samples of x, ll and the
// bands.
func haar(x kernels.Shape, xs, lls, bands int) (grid, []any) {
	B, C, h, w := x[0], x[1], x[2]/2, x[3]/2
	return inPlanes(ceil(h*ceil(w, 4), 256), B*C), []any{B, C, h, w, xs, lls, bands}
}

// apart is haar for separate tensors ll and bands.
func apart(op string, x, ll, bands kernels.Tensor) (grid, []any) {
	n, fits := x.Len(), x.Shape[2]%2 == 0 && x.Shape[3]%2 == 0
	check(fits && (ll.IsZero() || 4*ll.Len() == n) && (bands.IsZero() || 4*bands.Len() == 3*n), op, x, ll, bands)
	C := x.Shape[1]
	return haar(x.Shape, C, C, 3*C)
}

// DWT splits x into its Haar subbands.
func (b *Backend) DWT(ll, bands, x kernels.Tensor, add bool) {
	if ll.IsZero() && bands.IsZero() {
		return
	}
	g, extents := apart("DWT", x, ll, bands)
	kernel := "dwt_fwd"
	if add && !b.fresh(ll, bands) {
		kernel = "idwt_grad"
	}
	b.launch(kernel, g, append([]any{ll, bands, x}, extents...)...)
}

// IDWT inverts DWT and adds res unless it is absent.
func (b *Backend) IDWT(y, ll, bands, res kernels.Tensor) {
	g, extents := apart("IDWT", y, ll, bands)
	if res.Data == y.Data && b.fresh(y) {
		res = kernels.Tensor{}
	}
	b.launch("idwt_fwd", g, append([]any{y, ll, bands, res}, extents...)...)
}

// split computes s [B,4C,h,w], the subbands of x [B,C,2h,2w] as LL, HL, LH, HH, or adds
// them to s, as the kernel does. x may be channels of a larger tensor, which has `of` of them.
func (b *Backend) split(kernel string, s kernels.Tensor, x from, of int) {
	ll, bands, g, extents := subbands(s, of)
	b.launch(kernel, g, append([]any{ll, bands, x}, extents...)...)
}

// join inverts split.
func (b *Backend) join(kernel string, x from, of int, s kernels.Tensor) {
	ll, bands, g, extents := subbands(s, of)
	b.launch(kernel, g, append([]any{x, ll, bands, kernels.Tensor{}}, extents...)...)
}

// subbands returns the parts of s, and haar's results.
func subbands(s kernels.Tensor, of int) (ll, bands from, g grid, extents []any) {
	B, C, h, w := s.Shape[0], s.Shape[1]/4, s.Shape[2], s.Shape[3]
	g, extents = haar(kernels.Shape{B, C, 2 * h, 2 * w}, of, 4*C, 4*C)
	return inside(s, 0, B, C, h, w), inside(s, C*h*w, B, 3*C, h, w), g, extents
}
