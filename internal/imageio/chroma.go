package imageio

import (
	"image"
)

// chroma is a raster of a JPEG's planes. It turns them into RGB as libjpeg
// does, bit for bit: chroma that is subsampled by two along either axis is
// interpolated with the weights ¾ and ¼ ("fancy upsampling"), by other factors
// repeated, and the conversion has libjpeg's 16-bit fixed point.
type chroma struct {
	*image.YCbCr
	w, h   int // of the picture
	cw, ch int // of the chroma planes
	dx, dy int // the factors of subsampling
}

func newChroma(s *image.YCbCr) *chroma {
	c := &chroma{YCbCr: s, w: s.Rect.Dx(), h: s.Rect.Dy(), dx: 1, dy: 1}
	switch s.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		c.dx = 2
	case image.YCbCrSubsampleRatio420:
		c.dx, c.dy = 2, 2
	case image.YCbCrSubsampleRatio440:
		c.dy = 2
	case image.YCbCrSubsampleRatio411:
		c.dx = 4
	case image.YCbCrSubsampleRatio410:
		c.dx, c.dy = 4, 2
	}
	c.cw, c.ch = (c.w+c.dx-1)/c.dx, (c.h+c.dy-1)/c.dy
	return c
}

func (c *chroma) opacity([]float32, image.Rectangle) error { panic("imageio: a JPEG has no alpha") }

func (c *chroma) colours(dst []float32, r image.Rectangle) error {
	w, n := r.Dx(), r.Dx()*r.Dy()
	cb, cr := make([]uint8, w), make([]uint8, w)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		c.upsample(cb, c.Cb, r.Min.X, y)
		c.upsample(cr, c.Cr, r.Min.X, y)
		luma := c.Y[y*c.YStride+r.Min.X:][:w]
		at := (y - r.Min.Y) * w
		toRGB(dst[at:at+w], dst[n+at:n+at+w], dst[2*n+at:2*n+at+w], luma, cb, cr)
	}
	return nil
}

// toRGB is jdcolor.c's conversion.
func toRGB(r, g, b []float32, luma, cb, cr []uint8) {
	const half = 1 << 15
	for i, v := range luma {
		y, u, v := int(v), int(cb[i])-128, int(cr[i])-128
		r[i] = unit8[clamp8(y+(91881*v+half)>>16)]
		g[i] = unit8[clamp8(y+(-22554*u-46802*v+half)>>16)]
		b[i] = unit8[clamp8(y+(116130*u+half)>>16)]
	}
}

func clamp8(v int) uint8 { return uint8(min(max(v, 0), 255)) }

// upsample writes len(dst) values of a chroma plane at full size from (x0,y).
func (c *chroma) upsample(dst, plane []uint8, x0, y int) {
	row := func(y int) []uint8 { return plane[y*c.CStride:][:c.cw] }
	near := row(y / c.dy)
	// libjpeg interpolates along x only where chroma has more than two columns.
	fancyX := c.dx == 2 && c.cw > 2
	if c.dy != 2 || c.dx > 2 || (c.dx == 2 && !fancyX) {
		if fancyX {
			upsampleH2V1(dst, near, x0)
		} else {
			for i := range dst {
				dst[i] = near[(x0+i)/c.dx]
			}
		}
		return
	}
	// The other row is the one above for even rows, the one below for odd ones.
	far := row(min(max(y/2-1+y%2*2, 0), c.ch-1))
	if fancyX {
		upsampleH2V2(dst, near, far, x0)
		return
	}
	for i := range dst { // h1v2
		dst[i] = uint8((3*int(near[x0+i]) + int(far[x0+i]) + 1 + y%2) >> 2)
	}
}

// upsampleH2V1 is jdsample.c's h2v1_fancy_upsample.
func upsampleH2V1(dst, src []uint8, x0 int) {
	for i := range dst {
		x := (x0 + i) / 2
		v := 3 * int(src[x])
		if (x0+i)%2 == 0 {
			dst[i] = uint8((v + int(src[max(x-1, 0)]) + 1) >> 2)
		} else {
			dst[i] = uint8((v + int(src[min(x+1, len(src)-1)]) + 2) >> 2)
		}
	}
}

// upsampleH2V2 is jdsample.c's h2v2_fancy_upsample.
func upsampleH2V2(dst, near, far []uint8, x0 int) {
	sum := func(x int) int { return 3*int(near[x]) + int(far[x]) }
	for i := range dst {
		x := (x0 + i) / 2
		if (x0+i)%2 == 0 {
			dst[i] = uint8((3*sum(x) + sum(max(x-1, 0)) + 8) >> 4)
		} else {
			dst[i] = uint8((3*sum(x) + sum(min(x+1, len(near)-1)) + 7) >> 4)
		}
	}
}
