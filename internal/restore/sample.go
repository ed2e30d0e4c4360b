package restore

import (
	"image"

	"clusir/internal/arch"
	"clusir/internal/planar"
)

// piece is the side of the pieces of a sample.
const piece = 64

// takeSample assembles pieces from all over a picture of H×W to an image of at most h×w
// pixels. What the network computes from a picture as a whole are means over its
// features. In such a sample they are about those of the whole picture, including
// noise, which scaling down would have averaged away.
func takeSample(tile func(dst []float32, r image.Rectangle) ([]float32, error), H, W, h, w int) (planar.Image, error) {
	xs, ys := places(W, w), places(H, h)
	s := planar.New(3, len(ys)*ys[0].len(), len(xs)*xs[0].len())
	piece := planar.Image{C: 3, H: ys[0].len(), W: xs[0].len()}
	for j, y := range ys {
		for i, x := range xs {
			var err error
			if piece.Pix, err = tile(piece.Pix, image.Rect(x.from, y.from, x.to, y.to)); err != nil {
				return s, err
			}
			s.Put(piece, j*piece.H, i*piece.W)
		}
	}
	return s, nil
}

// sampleOf returns the sample of a picture in memory.
func sampleOf(m planar.Image, h, w int) planar.Image {
	s, _ := takeSample(func(dst []float32, r image.Rectangle) ([]float32, error) { return m.Cut(dst, r).Pix, nil }, m.H, m.W, h, w)
	return s
}

// places spreads pieces of equal length evenly over a side of n pixels, as many as
// limit pixels hold.
func places(n, limit int) []span {
	side := min(piece, n)
	at := make([]span, max(min(n, limit)/side, 1))
	for i := range at {
		if i > 0 {
			at[i].from = i * (n - side) / (len(at) - 1) / arch.Align * arch.Align
		}
		at[i].to = at[i].from + side
	}
	return at
}
