package imageio

import (
	"image"

	"clusir/internal/planar"
)

// orientation is EXIF's tag 0x0112, 1 to 8: how a stored picture is turned.
type orientation uint8

const upright orientation = 1

// turn returns what turns the stored picture upright.
func (o orientation) turn() planar.Turn {
	const x, y, transpose = planar.FlipX, planar.FlipY, planar.Transpose
	return [...]planar.Turn{2: x, 3: x | y, 4: y, 5: transpose, 6: transpose | y, 7: transpose | x | y, 8: transpose | x}[o]
}

// swaps reports whether rows become columns.
func (o orientation) swaps() bool { return o.turn()&planar.Transpose != 0 }

// stored returns where the upright rectangle r of a picture w×h (upright) is stored.
func (o orientation) stored(r image.Rectangle, w, h int) image.Rectangle {
	t := o.turn()
	if o.swaps() {
		r = image.Rect(r.Min.Y, r.Min.X, r.Max.Y, r.Max.X)
	}
	w, h = t.Size(w, h)
	if t&planar.FlipX != 0 {
		r.Min.X, r.Max.X = w-r.Max.X, w-r.Min.X
	}
	if t&planar.FlipY != 0 {
		r.Min.Y, r.Max.Y = h-r.Max.Y, h-r.Min.Y
	}
	return r
}
