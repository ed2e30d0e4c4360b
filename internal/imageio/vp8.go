package imageio

import "image"

// vp8 is a raster of a lossy WebP's planes. It converts them to RGB exactly as libwebp
// does: chroma, subsampled by two along both axes, is interpolated ("fancy
// upsampling"), and the conversion is BT.601's with studio range, 16 to 235. (The
// standard library's would be JPEG's with full range.)
type vp8 struct {
	*image.YCbCr
	alpha       []uint8
	alphaStride int
}

func (v *vp8) shape() shape {
	return shape{w: v.Rect.Dx(), h: v.Rect.Dy(), depth: 8, alpha: v.alpha != nil}
}

func (v *vp8) opacity(dst []float32, r image.Rectangle) error {
	(&packed{kind: shape{depth: 8}, pix: v.alpha, stride: v.alphaStride, step: 1}).plane(dst, r, 0)
	return nil
}

func (v *vp8) colours(dst []float32, r image.Rectangle) error {
	w, n := r.Dx(), r.Dx()*r.Dy()
	width, height := v.Rect.Dx(), v.Rect.Dy()
	cw, ch := (width+1)/2, (height+1)/2
	cb, cr := make([]uint8, w), make([]uint8, w)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		near := y / 2
		// The far row is the one above for even rows, the one below for odd ones.
		far := min(max(near-1+y%2*2, 0), ch-1)
		row := func(plane []uint8, y int) []uint8 { return plane[y*v.CStride:][:cw] }
		upsampleVP8(cb, row(v.Cb, near), row(v.Cb, far), r.Min.X, width)
		upsampleVP8(cr, row(v.Cr, near), row(v.Cr, far), r.Min.X, width)
		at, luma := (y-r.Min.Y)*w, v.Y[y*v.YStride+r.Min.X:][:w]
		studioToRGB(dst[at:at+w], dst[n+at:n+at+w], dst[2*n+at:2*n+at+w], luma, cb, cr)
	}
	return nil
}

// neutral reports whether there is no chroma anywhere. The conversion to RGB may then
// be off by one level in green, from rounding.
func (v *vp8) neutral() bool {
	const none = 128
	cw, ch := (v.Rect.Dx()+1)/2, (v.Rect.Dy()+1)/2
	for y := range ch {
		at := y * v.CStride
		for x := range cw {
			if v.Cb[at+x] != none || v.Cr[at+x] != none {
				return false
			}
		}
	}
	return true
}

// upsampleVP8 writes len(dst) values, from x0, of a row of the given width:
// upsampling.c's weights of about 9, 3, 3 and 1 sixteenths, in its two steps.
func upsampleVP8(dst, near, far []uint8, x0, width int) {
	for i := range dst {
		x := x0 + i
		n := x / 2         // the nearest column
		m := n - 1 + x%2*2 // the other one
		if m < 0 || x == width-1 && x%2 == 1 {
			dst[i] = uint8((3*int(near[n]) + int(far[n]) + 2) >> 2)
			continue
		}
		all := int(near[n]) + int(near[m]) + int(far[n]) + int(far[m]) + 8
		diagonal := (all + 2*(int(near[m])+int(far[n]))) >> 3
		dst[i] = uint8((diagonal + int(near[n])) >> 1)
	}
}

// studioToRGB is yuv.h's conversion: 14-bit fixed point, of which eight bits are
// dropped in each product.
func studioToRGB(r, g, b []float32, luma, cb, cr []uint8) {
	for i := range luma {
		y, u, v := int(luma[i])*19077>>8, int(cb[i]), int(cr[i])
		r[i] = unit8[clamp8((y+v*26149>>8-14234)>>6)]
		g[i] = unit8[clamp8((y-u*6419>>8-v*13320>>8+8708)>>6)]
		b[i] = unit8[clamp8((y+u*33050>>8-17685)>>6)]
	}
}
