package imageio

// fillHidden sets the colour of fully transparent pixels of rgb [3,h,w] to the average
// of the visible pixels around them, weighted by alpha, over the smallest square that
// contains any, among squares that double in size. If there are none, colours stay.
func fillHidden(rgb, alpha []float32, w, h int) {
	hidden := 0
	for _, a := range alpha {
		if a == 0 {
			hidden++
		}
	}
	if hidden == 0 || hidden == len(alpha) {
		return
	}
	levels := []premultiplied{premultiply(rgb, alpha, w, h)}
	for top := levels[0]; top.w > 1 || top.h > 1; top = levels[len(levels)-1] {
		levels = append(levels, top.halved())
	}
	n := w * h
	for y := range h {
		for x := range w {
			if i := y*w + x; alpha[i] == 0 {
				rgb[i], rgb[n+i], rgb[2*n+i] = average(levels, x, y)
			}
		}
	}
}

// premultiplied is a picture of colours times alpha, and alpha: sums over squares of
// the picture it was halved from.
type premultiplied struct {
	w, h int
	px   [][4]float32
}

func premultiply(rgb, alpha []float32, w, h int) premultiplied {
	p, n := premultiplied{w, h, make([][4]float32, w*h)}, w*h
	for i, a := range alpha {
		p.px[i] = [4]float32{a * rgb[i], a * rgb[n+i], a * rgb[2*n+i], a}
	}
	return p
}

// halved sums up squares of 2×2, cut off at the picture's edge.
func (p premultiplied) halved() premultiplied {
	q := premultiplied{w: (p.w + 1) / 2, h: (p.h + 1) / 2}
	q.px = make([][4]float32, q.w*q.h)
	for y := range p.h {
		for x := range p.w {
			sum := &q.px[y/2*q.w+x/2]
			for k, v := range p.px[y*p.w+x] {
				sum[k] += v
			}
		}
	}
	return q
}

// average returns the colour of the first square around (x,y) that is not fully hidden.
func average(levels []premultiplied, x, y int) (r, g, b float32) {
	for _, l := range levels {
		if s := l.px[y*l.w+x]; s[3] > 0 {
			return s[0] / s[3], s[1] / s[3], s[2] / s[3]
		}
		x, y = x/2, y/2
	}
	return 0, 0, 0
}
