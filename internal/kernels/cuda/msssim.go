//go:build cuda

package cuda

import "clusir/internal/kernels"

// The window of MS-SSIM, the largest number of scales, and the windows or pixels per
// block.
const (
	ssimWindow = kernels.SSIMWindow
	ssimScales = 5
	ssimTileH  = 16
	ssimTileW  = 32
)

// ssimScale is one scale of a pair of images, planes of H×W.
type ssimScale struct {
	H, W    int
	x, t    kernels.Tensor // [planes,H,W]
	handed  kernels.Tensor // what its windows pass on, five times [planes,h,w]
	at      int            // where its partial sums start
	windows grid
}

// ssim is a pair of images at every scale: x and t [B,C,H,W].
type ssim struct {
	*Backend
	planes  int
	scales  []ssimScale
	partial kernels.Tensor
	scratch []kernels.Tensor
}

// newSSIM makes the scales and measures the windows of each.
func (b *Backend) newSSIM(op string, x, t kernels.Tensor, gradient bool) *ssim {
	same(op, x, t)
	h, w := x.Shape[2], x.Shape[3]
	check(min(h, w) >= ssimWindow, op, x)
	s := &ssim{Backend: b, planes: x.Shape[0] * x.Shape[1]}
	parts := 0
	for n := 0; n < ssimScales && (n == 0 || min(h, w) >= ssimWindow); n++ {
		if n > 0 {
			last := s.scales[n-1]
			x, t = s.halve(x, last.H, last.W), s.halve(t, last.H, last.W)
		}
		c := ssimScale{H: h, W: w, x: x, t: t, at: parts, windows: s.tiles(h-ssimWindow+1, w-ssimWindow+1)}
		if gradient {
			c.handed = s.alloc(5, s.planes, h-ssimWindow+1, w-ssimWindow+1)
		}
		parts += s.planes * c.windows.x
		s.scales = append(s.scales, c)
		h, w = h/2, w/2
	}
	s.measure(parts)
	return s
}

// alloc returns scratch memory, for the caller of newSSIM to free.
func (s *ssim) alloc(shape ...int) kernels.Tensor {
	t := s.Alloc(shape...)
	s.scratch = append(s.scratch, t)
	return t
}

// tiles returns a grid over the windows or pixels h×w of all planes.
func (s *ssim) tiles(h, w int) grid { return inPlanes(ceil(h, ssimTileH)*ceil(w, ssimTileW), s.planes) }

// halve averages the 2×2 blocks of planes of h×w.
func (s *ssim) halve(x kernels.Tensor, h, w int) kernels.Tensor {
	y := s.alloc(s.planes, h/2, w/2)
	s.launch("ssim_halve", over(y.Len(), 256), y, x, s.planes, h, w)
	return y
}

// measure sums every scale's windows, in `parts` parts in all.
func (s *ssim) measure(parts int) {
	s.partial = s.alloc(parts)
	for i, c := range s.scales {
		last := i == len(s.scales)-1
		s.launch("ssim_windows", c.windows, from{s.partial, c.at}, c.handed, c.x, c.t, s.planes, c.H, c.W, last)
	}
}

// value combines the scales; y or shares [scales,planes] may be absent.
func (s *ssim) value(y, shares kernels.Tensor) {
	c := s.scales[0]
	s.launch("ssim_value", over(1, 1), y, shares, s.partial, s.planes, len(s.scales), c.H, c.W)
}

// MSSSIM is the multi-scale SSIM of x and t [B,C,H,W], mean over B and C.
func (b *Backend) MSSSIM(y, x, t kernels.Tensor) {
	s := b.newSSIM("MSSSIM", x, t, false)
	s.value(y, kernels.Tensor{})
	s.free(s.scratch...)
}

// MSSSIMGrad is MSSSIM's gradient: from the last scale to the image itself, each scale
// adds its own part to a quarter of the next one's.
func (b *Backend) MSSSIMGrad(dx, dy, x, t kernels.Tensor) {
	if dx.IsZero() {
		return
	}
	s := b.newSSIM("MSSSIMGrad", x, t, true)
	shares := s.alloc(len(s.scales), s.planes)
	s.value(kernels.Tensor{}, shares)
	var next kernels.Tensor
	for i := len(s.scales) - 1; i >= 0; i-- {
		c, d, add := s.scales[i], dx, 1
		if i > 0 {
			d, add = s.alloc(s.planes, c.H, c.W), 0
		}
		s.launch("ssim_dx", s.tiles(c.H, c.W), d, next, dy, from{shares, i * s.planes}, c.handed, c.x, c.t, s.planes, c.H, c.W, add)
		next = d
	}
	s.free(s.scratch...)
}
