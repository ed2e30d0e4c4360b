package imageio

import (
	"encoding/binary"
	"image"
)

// packed is a raster of interleaved samples, 16-bit ones big-endian. It may hold only
// some rows of a picture, starting at row first.
type packed struct {
	kind   shape // of the whole picture
	pix    []byte
	stride int // in bytes
	first  int // the row that pix begins with
	step   int // bytes from one pixel to the next
}

// newPacked allocates the first rows of a picture.
func newPacked(s shape, rows int) *packed {
	p := &packed{kind: s, step: s.pixelBytes(), stride: s.w * s.pixelBytes()}
	p.pix = make([]byte, rows*p.stride)
	return p
}

func (p *packed) shape() shape { return p.kind }

func (p *packed) row(y int) []byte {
	at := (y - p.first) * p.stride
	return p.pix[at : at+p.stride]
}

// unit8 is v/255 for each v.
var unit8 = func() (t [256]float32) {
	for v := range t {
		t[v] = float32(v) / 255
	}
	return t
}()

// plane reads sample k of each pixel of r.
func (p *packed) plane(dst []float32, r image.Rectangle, k int) {
	w := r.Dx()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row, out := p.row(y)[r.Min.X*p.step:], dst[(y-r.Min.Y)*w:][:w]
		if p.kind.depth == 8 {
			for x := range out {
				out[x] = unit8[row[x*p.step+k]]
			}
			continue
		}
		for x := range out {
			out[x] = float32(binary.BigEndian.Uint16(row[x*p.step+2*k:])) / 65535
		}
	}
}

func (p *packed) colours(dst []float32, r image.Rectangle) error {
	n := r.Dx() * r.Dy()
	for c := range 3 {
		if !p.kind.grey || c == 0 {
			p.plane(dst[c*n:(c+1)*n], r, c)
		} else {
			copy(dst[c*n:(c+1)*n], dst[:n])
		}
	}
	if p.kind.premult {
		p.divide(dst, r)
	}
	return nil
}

func (p *packed) opacity(dst []float32, r image.Rectangle) error {
	p.plane(dst, r, p.kind.colours())
	return nil
}

// divide undoes the multiplication by alpha.
func (p *packed) divide(rgb []float32, r image.Rectangle) {
	n := r.Dx() * r.Dy()
	alpha := make([]float32, n)
	p.plane(alpha, r, p.kind.colours())
	for i, a := range alpha {
		for c := 0; c < 3 && a > 0; c++ {
			rgb[c*n+i] = min(1, rgb[c*n+i]/a)
		}
	}
}

// quantize writes n pixels of rgb [3,n] and alpha [n], from index at, into row in
// info's format: clamped and rounded, grey as the channels' mean.
func quantize(row []byte, info *Info, rgb, alpha []float32, at, n int) {
	step, size := info.shape().pixelBytes(), info.Depth/8
	w := len(row) / step
	put := func(k int, values []float32) {
		for i, v := range values[:w] {
			if at := i*step + k*size; size == 1 {
				row[at] = uint8(clamp01(v)*255 + 0.5)
			} else {
				binary.BigEndian.PutUint16(row[at:], uint16(clamp01(v)*65535+0.5))
			}
		}
	}
	r, g, b := rgb[at:n], rgb[n+at:2*n], rgb[2*n+at:3*n]
	if info.Grey {
		mean := make([]float32, w)
		for i := range mean {
			mean[i] = (r[i] + g[i] + b[i]) / 3
		}
		put(0, mean)
	} else {
		put(0, r)
		put(1, g)
		put(2, b)
	}
	if info.Alpha {
		put(info.shape().samples()-1, alpha[at:])
	}
}

// clamp01 clamps v to 0..1; NaN becomes 0.
func clamp01(v float32) float32 {
	if v > 0 {
		return min(v, 1)
	}
	return 0
}
