package infer

import (
	"clusir/internal/model"
	"clusir/internal/planar"
)

// turns is the number of the square's symmetries: flips and quarter turns.
const turns = 8

// turn is one of them: the set of steps that make it, in this order.
type turn int

const (
	flipX turn = 1 << iota
	flipY
	transpose
)

// size returns the size of the turned image of h×w pixels.
func (t turn) size(h, w int) (int, int) {
	if t&transpose != 0 {
		return w, h
	}
	return h, w
}

// window returns where a part of a picture lies in the turned picture.
func (t turn) window(part model.Window, h, w int) model.Window {
	if part == (model.Window{}) {
		return part
	}
	if t&flipX != 0 {
		part.X = part.W - part.X - w
	}
	if t&flipY != 0 {
		part.Y = part.H - part.Y - h
	}
	if t&transpose != 0 {
		part.X, part.Y, part.W, part.H = part.Y, part.X, part.H, part.W
	}
	return part
}

// each calls f with the index of every value of an image [3,h,w] and its index in the
// turned image.
func (t turn) each(h, w int, f func(plain, turned int)) {
	for c := range 3 {
		for y := range h {
			for x := range w {
				ty, tx := y, x
				if t&flipX != 0 {
					tx = w - 1 - x
				}
				if t&flipY != 0 {
					ty = h - 1 - y
				}
				to := ty*w + tx
				if t&transpose != 0 {
					to = tx*h + ty
				}
				f((c*h+y)*w+x, c*h*w+to)
			}
		}
	}
}

// ensemble returns the mean of the results for the eight turns of src, turned back. The
// routes and what o.Probe receives are those of the unturned image, which comes last.
func (n *Network) ensemble(mean, src planar.Image, o Options) (routes []*model.Route) {
	clear(mean.Pix)
	turned := planar.New(src.C, src.H, src.W)
	for t := turn(turns - 1); t >= 0; t-- {
		turned.H, turned.W = t.size(src.H, src.W)
		t.each(src.H, src.W, func(plain, at int) { turned.Pix[at] = src.Pix[plain] })
		routes = n.pass(turned, turned, o.turned(t, src.H, src.W))
		t.each(src.H, src.W, func(plain, at int) { mean.Pix[plain] += turned.Pix[at] / turns })
	}
	return routes
}
