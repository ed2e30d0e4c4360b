package imageio

import "image"

// chroma is a raster of a JPEG's planes. It converts them to RGB exactly as libjpeg
// does: chroma subsampled by two along either axis is interpolated with the weights ¾
// and ¼ ("fancy upsampling"), by other factors repeated, and the conversion uses
// libjpeg's 16-bit fixed point. Inks become RGB as on a screen, without a colour
// profile.
type chroma struct {
	comps []jpegComponent
	kind  shape
	mixed bool // the first three components are luma and chroma
}

// newChroma determines from the markers what the components are, as libjpeg does.
func newChroma(d *jpegDecoder) *chroma {
	c := &chroma{comps: d.comps, kind: d.shape()}
	switch {
	case len(d.comps) == 1:
	case len(d.comps) == 4:
		c.mixed = d.adobe > 0
	case d.jfif:
		c.mixed = true
	case d.adobe < 0 && len(d.comps) == 3:
		c.mixed = string([]byte{d.comps[0].id, d.comps[1].id, d.comps[2].id}) != "RGB"
	case d.adobe > 0:
		c.mixed = true // whatever their names, as libjpeg assumes
	}
	return c
}

func (c *chroma) shape() shape { return c.kind }

func (c *chroma) opacity([]float32, image.Rectangle) error { panic("imageio: a JPEG has no alpha") }

func (c *chroma) colours(dst []float32, r image.Rectangle) error {
	w, n := r.Dx(), r.Dx()*r.Dy()
	full := make([][]uint8, len(c.comps))
	for k := range full {
		full[k] = make([]uint8, w)
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		c.line(full, r.Min.X, y)
		if len(full) == 4 {
			fromInks(full, c.mixed)
		}
		at := (y - r.Min.Y) * w
		for p := range 3 {
			out, in := dst[p*n+at:p*n+at+w], full[min(p, len(full)-1)]
			for i := range out {
				out[i] = unit8[in[i]]
			}
		}
	}
	return nil
}

// line returns a row of each component at full size from (x0,y), converted to RGB if it
// was luma and chroma.
func (c *chroma) line(full [][]uint8, x0, y int) {
	for k := range c.comps {
		c.comps[k].upsample(full[k], x0, y)
	}
	if c.mixed {
		toRGB(full[0], full[1], full[2])
	}
}

// toRGB is jdcolor.c's conversion of luma and chroma, in place.
func toRGB(luma, cb, cr []uint8) {
	const half = 1 << 15
	for i, v := range luma {
		y, u, v := int(v), int(cb[i])-128, int(cr[i])-128
		luma[i] = clamp8(y + (91881*v+half)>>16)
		cb[i] = clamp8(y + (-22554*u-46802*v+half)>>16)
		cr[i] = clamp8(y + (116130*u+half)>>16)
	}
}

// fromInks mixes inks on white into the first three planes. Files store 255 for no ink;
// inks converted from luma and chroma are inverted.
func fromInks(planes [][]uint8, turned bool) {
	for _, p := range planes[:3] {
		for i, v := range p {
			if !turned {
				v = 255 - v
			}
			paper := int(planes[3][i])
			covered := int(v)*paper + 128
			p[i] = clamp8(paper - (covered>>8+covered)>>8)
		}
	}
}

func clamp8(v int) uint8 { return uint8(min(max(v, 0), 255)) }

// upsample writes len(dst) values of a plane at full size from (x0,y).
func (c *jpegComponent) upsample(dst []uint8, x0, y int) {
	row := func(y int) []uint8 { return c.plane[y*c.stride():][:c.w] }
	near := row(y / c.dy)
	// The far row is the one above for even rows, the one below for odd ones.
	far := near
	if c.dy == 2 {
		far = row(min(max(y/2-1+y%2*2, 0), c.h-1))
	}
	fancy := c.w > 2 // libjpeg interpolates along x only if there are more than two columns
	switch {
	case c.dx == 1 && c.dy == 1:
		copy(dst, near[x0:])
	case c.dx == 2 && c.dy == 1 && fancy:
		upsampleH2(dst, near, far, x0, [2]int{4, 8})
	case c.dx == 2 && c.dy == 2 && fancy:
		upsampleH2(dst, near, far, x0, [2]int{8, 7})
	case c.dx == 1 && c.dy == 2:
		for i := range dst {
			dst[i] = uint8((3*int(near[x0+i]) + int(far[x0+i]) + 1 + y%2) >> 2)
		}
	default:
		for i := range dst {
			dst[i] = near[(x0+i)/c.dx]
		}
	}
}

// upsampleH2 is jdsample.c's h2v2_fancy_upsample or, if the rows are the same,
// h2v1_fancy_upsample. They round even and odd columns by what is added to 16 times a value.
func upsampleH2(dst, near, far []uint8, x0 int, round [2]int) {
	sum := func(x int) int { return 3*int(near[x]) + int(far[x]) }
	for i := range dst {
		x, odd := (x0+i)/2, (x0+i)%2
		other := min(max(x-1+2*odd, 0), len(near)-1)
		dst[i] = uint8((3*sum(x) + sum(other) + round[odd]) >> 4)
	}
}
