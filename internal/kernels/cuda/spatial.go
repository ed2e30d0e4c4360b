//go:build cuda

package cuda

import "clusir/internal/kernels"

// MeanHW averages over space.
func (b *Backend) MeanHW(y, x kernels.Tensor) {
	planes, P := planesOf("MeanHW", y, x)
	b.launch("mean_hw_fwd", grid{x: planes, y: 1, z: 1}, y, x, P)
}

// MeanHWGrad is MeanHW's gradient.
func (b *Backend) MeanHWGrad(dx, dy kernels.Tensor) {
	if dx.IsZero() {
		return
	}
	planes, P := planesOf("MeanHWGrad", dy, dx)
	b.launch("mean_hw_grad", longRows(planes, P), dx, dy, planes, P)
}

// planesOf returns the number of planes of x [B,C,H,W], one for each number of y, and
// their pixels.
func planesOf(op string, y, x kernels.Tensor) (planes, P int) {
	planes, P = x.Shape[0]*x.Shape[1], x.Shape[2]*x.Shape[3]
	check(y.Len() == planes, op, y, x)
	return planes, P
}

// Resize resamples x to y's size.
func (b *Backend) Resize(y, x kernels.Tensor) {
	H, W := y.Shape[2], y.Shape[3]
	b.resize("resize_fwd", y, x, x, y, H*ceil(W, 4))
}

// ResizeGrad is Resize's gradient.
func (b *Backend) ResizeGrad(dx, dy kernels.Tensor) {
	if !dx.IsZero() {
		b.resize("resize_grad", dx, dy, dx, dy, dx.Shape[2]*dx.Shape[3])
	}
}

// resize launches a kernel with n threads per plane that maps x to y, or back.
func (b *Backend) resize(kernel string, dst, src, x, y kernels.Tensor, n int) {
	s, l := x.Shape, y.Shape
	check(s[0] == l[0] && s[1] == l[1], "Resize", x, y)
	planes := s[0] * s[1]
	b.launch(kernel, inPlanes(ceil(n, 256), planes), dst, src, planes, s[2], s[3], l[2], l[3])
}
