package planar

import "iter"

// Turn is one of the square's eight symmetries, as a set of steps from a pixel of the turned
// picture to its place in the plain one: Transpose exchanges the coordinates, then FlipX and
// FlipY count them from the other end.
type Turn uint8

// The steps, and the number of turns.
const (
	FlipX Turn = 1 << iota
	FlipY
	Transpose
	Turns = 1 << iota
)

// Size returns the size of a picture w×h once it is turned, or turned back.
func (t Turn) Size(w, h int) (int, int) {
	if t&Transpose != 0 {
		return h, w
	}
	return w, h
}

// Pixels returns the index of each pixel of a turned plane w×h, and its index in the plain
// one.
func (t Turn) Pixels(w, h int) iter.Seq2[int, int] {
	W, H := t.Size(w, h)
	first, dx, dy := 0, 1, W
	if t&FlipX != 0 {
		first, dx = W-1, -1
	}
	if t&FlipY != 0 {
		first, dy = first+(H-1)*W, -W
	}
	if t&Transpose != 0 {
		dx, dy = dy, dx
	}
	return func(yield func(turned, plain int) bool) {
		for y := range h {
			for x := range w {
				if !yield(y*w+x, first+x*dx+y*dy) {
					return
				}
			}
		}
	}
}
