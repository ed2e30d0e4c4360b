package restore

import (
	"image"

	"clusir/internal/model"
)

// piece is the side of the pieces of a sample.
const piece = 64

// tiler has the pixels of a picture.
type tiler interface {
	Tile(dst []float32, r image.Rectangle) ([]float32, error)
}

// takeSample puts pieces from all over a picture of H×W beside each other, at most
// h×w pixels of them. What the network finds out about a picture as a whole are
// means over its features, and such a sample has about those of the whole picture,
// noise included, which a reduced picture would have averaged away.
func takeSample(m tiler, H, W, h, w int) (*plane, error) {
	xs, ys := places(W, w), places(H, h)
	s := &plane{h: len(ys) * ys[0].len(), w: len(xs) * xs[0].len()}
	s.rgb = make([]float32, 3*s.h*s.w)
	var buf []float32
	for j, y := range ys {
		for i, x := range xs {
			var err error
			if buf, err = m.Tile(buf, image.Rect(x.from, y.from, x.to, y.to)); err != nil {
				return nil, err
			}
			s.put(buf, j*y.len(), i*x.len(), y.len(), x.len())
		}
	}
	return s, nil
}

// put writes a piece [3,h,w] at row y and column x.
func (p *plane) put(rgb []float32, y, x, h, w int) {
	for c := range 3 {
		for row := range h {
			copy(p.rgb[(c*p.h+y+row)*p.w+x:][:w], rgb[(c*h+row)*w:])
		}
	}
}

// places spreads pieces evenly over a side of n pixels, as many as most pixels
// hold, all of one length.
func places(n, most int) []span {
	side := min(piece, n)
	at := make([]span, max(min(n, most)/side, 1))
	for i := range at {
		if i > 0 {
			at[i].from = i * (n - side) / (len(at) - 1) / model.Align * model.Align
		}
		at[i].to = at[i].from + side
	}
	return at
}
