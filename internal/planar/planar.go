// Package planar holds pictures in the network's layout: one channel after the other.
package planar

import "image"

// Image is a picture [C,H,W], row-major, with range 0 to 1; a copy shares its pixels.
type Image struct {
	C, H, W int
	Pix     []float32
}

// New returns a black picture.
func New(c, h, w int) Image { return Image{C: c, H: h, W: w, Pix: make([]float32, c*h*w)} }

// Plane returns channel c.
func (p Image) Plane(c int) []float32 { return p.Pix[c*p.H*p.W:][:p.H*p.W] }

// Clamp clamps all values to 0..1, as a camera or a file does.
func (p Image) Clamp() {
	for i, v := range p.Pix {
		p.Pix[i] = min(max(v, 0), 1)
	}
}

// Cut returns a copy of the pixels of r, in dst if that is large enough.
func (p Image) Cut(dst []float32, r image.Rectangle) Image {
	dst = dst[:0]
	for c := range p.C {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			dst = append(dst, p.Plane(c)[y*p.W+r.Min.X:][:r.Dx()]...)
		}
	}
	return Image{C: p.C, H: r.Dy(), W: r.Dx(), Pix: dst}
}

// Put copies a smaller picture to row y and column x.
func (p Image) Put(m Image, y, x int) {
	for c := range p.C {
		for row := range m.H {
			copy(p.Plane(c)[(y+row)*p.W+x:], m.Plane(c)[row*m.W:][:m.W])
		}
	}
}

// Extend returns the picture enlarged to h×w by reflection at the right and at the
// bottom.
func (p Image) Extend(h, w int) Image {
	if h == p.H && w == p.W {
		return p
	}
	out, columns := New(p.C, h, w), make([]int, w)
	for x := range columns {
		columns[x] = Reflect(x, p.W)
	}
	for c := range p.C {
		for y := range h {
			src, dst := p.Plane(c)[Reflect(y, p.H)*p.W:], out.Plane(c)[y*w:]
			copy(dst[:p.W], src[:p.W])
			for x := p.W; x < w; x++ {
				dst[x] = src[columns[x]]
			}
		}
	}
	return out
}

// RGBA converts a picture of three channels for Go's image packages, clamped and
// rounded to 8 bits.
func (p Image) RGBA() *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, p.W, p.H))
	for c := range 3 {
		for i, v := range p.Plane(c) {
			m.Pix[4*i+c] = uint8(min(max(v, 0), 1)*255 + .5)
		}
	}
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 255
	}
	return m
}

// Reflect maps a coordinate to 0..n-1 by mirroring at the edges, without repeating the
// edge pixel, as often as necessary.
func Reflect(i, n int) int {
	if n == 1 {
		return 0
	}
	period := 2 * (n - 1)
	i %= period
	if i < 0 {
		i += period
	}
	return min(i, period-i)
}
