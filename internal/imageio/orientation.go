package imageio

import "image"

// orientation is EXIF's tag 0x0112, 1 to 8: how a stored picture is turned.
type orientation uint8

const upright orientation = 1

// swaps reports whether rows become columns.
func (o orientation) swaps() bool { return o >= 5 && o <= 8 }

// flips reports which stored axes run backwards, before rows and columns are swapped.
func (o orientation) flips() (x, y bool) {
	switch o {
	case 2, 8:
		return true, false
	case 3, 7:
		return true, true
	case 4, 6:
		return false, true
	}
	return false, false
}

// size returns the upright size of a stored picture.
func (o orientation) size(w, h int) (int, int) {
	if o.swaps() {
		return h, w
	}
	return w, h
}

// stored returns where the upright rectangle r of a picture w×h (upright) is stored.
func (o orientation) stored(r image.Rectangle, w, h int) image.Rectangle {
	if o.swaps() {
		r = image.Rect(r.Min.Y, r.Min.X, r.Max.Y, r.Max.X)
		w, h = h, w
	}
	flipX, flipY := o.flips()
	if flipX {
		r.Min.X, r.Max.X = w-r.Max.X, w-r.Min.X
	}
	if flipY {
		r.Min.Y, r.Max.Y = h-r.Max.Y, h-r.Min.Y
	}
	return r
}

// apply turns a stored plane upright: dst is w×h.
func (o orientation) apply(dst, src []float32, w, h int) {
	// The stored index of the upright (x,y) is base + x·dx + y·dy.
	base, dx, dy := 0, 1, w
	if o.swaps() {
		dx, dy = h, 1
	}
	flipX, flipY := o.flips()
	if o.swaps() {
		flipX, flipY = flipY, flipX // now along the upright axes
	}
	if flipX {
		base, dx = base+(w-1)*dx, -dx
	}
	if flipY {
		base, dy = base+(h-1)*dy, -dy
	}
	for y := range h {
		at := base + y*dy
		for x := range w {
			dst[y*w+x] = src[at]
			at += dx
		}
	}
}
