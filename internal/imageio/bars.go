package imageio

import "image"

// Bars finds bars of one colour around an opaque picture, as around a film on a screen,
// and returns their colour and what is inside: the whole picture if there are none,
// nothing if all of it has one colour. It reads the picture once, from top to bottom.
//
// The pixels of bars all equal the picture's first. A bar ends at a line along three
// quarters of which the picture is visibly different: neither a clipped sky nor the
// ground around an object is one.
func (m *Image) Bars() (inside image.Rectangle, colour [3]float32, err error) {
	if m.Alpha {
		return m.Bounds(), colour, nil
	}
	const strip = 32
	scan := barScan{w: m.W}
	var rgb []float32
	for y := 0; y < m.H; y += strip {
		r := image.Rect(0, y, m.W, min(y+strip, m.H))
		if rgb, err = m.Stored(rgb, r); err != nil {
			return m.Bounds(), colour, err
		}
		n := r.Dx() * r.Dy()
		if y == 0 {
			scan.colour = [3]float32{rgb[0], rgb[n], rgb[2*n]}
		}
		for at := 0; at < n; at += m.W {
			scan.add([3][]float32{rgb[at:][:m.W], rgb[n+at:][:m.W], rgb[2*n+at:][:m.W]})
		}
	}
	return scan.inside(), scan.colour, nil
}

// barScan gathers what bars depend on.
type barScan struct {
	w      int
	colour [3]float32
	rows   []barRow
}

// barRow is a row of pixels beside the colour of bars.
type barRow struct {
	left, right  int // how many pixels from each end are equal to it
	nearL, nearR int // and how many are not visibly different from it
	different    int // number of pixels that are visibly different from it
}

func (s *barScan) add(row [3][]float32) {
	const visible = 4. / 255
	b := barRow{left: s.w, nearL: s.w}
	equal, near := -1, -1 // the last pixel that is not
	for x := range s.w {
		d := float32(0)
		for c, v := range s.colour {
			d = max(d, row[c][x]-v, v-row[c][x])
		}
		if d > 0 {
			b.left, equal = min(b.left, x), x
		}
		if d > visible {
			b.nearL, near = min(b.nearL, x), x
			b.different++
		}
	}
	b.right, b.nearR = s.w-1-equal, s.w-1-near
	s.rows = append(s.rows, b)
}

const (
	leastBar    = 8  // pixels: a thinner line does not mislead the network
	leastInside = 64 // pixels: what is smaller is a drawing
	// blurred is how many lines of a picture next to a bar JPEG may have mixed with it:
	// its blocks are of up to 16.
	blurred = 20
)

// inside returns what the bars surround.
func (s *barScan) inside() image.Rectangle {
	W, H := s.w, len(s.rows)
	top, bottom, left, right := 0, 0, W, W
	for top < H && s.rows[top].left == W {
		top++
	}
	if top == H {
		return image.Rectangle{}
	}
	for s.rows[H-1-bottom].left == W {
		bottom++
	}
	rows := s.rows[top : H-bottom]
	for _, r := range rows {
		left, right = min(left, r.left), min(right, r.right)
	}
	w, h := W-left-right, len(rows)
	if min(w, h) < leastInside {
		return image.Rect(0, 0, W, H)
	}
	above, below, before, behind := 0, 0, 0, 0 // how long the visible edges of the bars are
	for i, r := range rows {
		if i < blurred {
			above = max(above, r.different)
		}
		if h-1-i < blurred {
			below = max(below, r.different)
		}
		if r.nearL < left+blurred {
			before++
		}
		if r.nearR < right+blurred {
			behind++
		}
	}
	bar := func(n, edge, side int) int {
		if n < leastBar || 4*edge < 3*side {
			return 0
		}
		return n
	}
	return image.Rect(bar(left, before, h), bar(top, above, w), W-bar(right, behind, h), H-bar(bottom, below, w))
}
