package infer

import (
	"clusir/internal/model"
	"clusir/internal/planar"
)

// turnedWindow returns where a part of a picture, of h×w pixels, lies in the turned picture.
func turnedWindow(part model.Window, t planar.Turn, h, w int) model.Window {
	if part == (model.Window{}) {
		return part
	}
	if t&planar.FlipX != 0 {
		part.X = part.W - part.X - w
	}
	if t&planar.FlipY != 0 {
		part.Y = part.H - part.Y - h
	}
	if t&planar.Transpose != 0 {
		part.X, part.Y, part.W, part.H = part.Y, part.X, part.H, part.W
	}
	return part
}

// ensemble returns the mean of the results for the eight turns of src, turned back. The
// routes and what o.Probe receives are those of the unturned image, which comes last.
func (n *Network) ensemble(mean, src planar.Image, o Options) (routes []*model.Route) {
	clear(mean.Pix)
	turned := planar.New(src.C, src.H, src.W)
	for i := range planar.Turns {
		t := planar.Turn(planar.Turns - 1 - i)
		turned.W, turned.H = t.Size(src.W, src.H)
		for to, from := range t.Pixels(turned.W, turned.H) {
			for c := range src.C {
				turned.Plane(c)[to] = src.Plane(c)[from]
			}
		}
		routes = n.pass(turned, turned, o.turned(t, src.H, src.W))
		for from, to := range t.Pixels(turned.W, turned.H) {
			for c := range src.C {
				mean.Plane(c)[to] += turned.Plane(c)[from] / planar.Turns
			}
		}
	}
	return routes
}
