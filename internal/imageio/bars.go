package imageio

import "image"

// Bars finds bars of one colour around an opaque picture, as around a film on a screen,
// and returns their colour and what is inside: the whole picture if there are none,
// nothing if all of it has one colour. It reads the picture once, from top to bottom, but
// only its first rows if there are no bars at the top or at the left.
//
// The pixels of bars all equal the picture's first. A bar ends at a line along three
// quarters of which the picture is visibly different: neither a clipped sky nor the
// ground around an object is one.
func (m *Image) Bars() (inside image.Rectangle, colour [3]float32, err error) {
	if m.Alpha {
		return m.Bounds(), colour, nil
	}
	scan := barScan{w: m.W, left: m.W, right: m.W}
	var rgb []float32
	for r := range m.strips() {
		if rgb, err = m.Stored(rgb, r); err != nil {
			return m.Bounds(), colour, err
		}
		n := r.Dx() * r.Dy()
		if r.Min.Y == 0 {
			scan.colour = [3]float32{rgb[0], rgb[n], rgb[2*n]}
		}
		for at := 0; at < n; at += m.W {
			scan.add([3][]float32{rgb[at:][:m.W], rgb[n+at:][:m.W], rgb[2*n+at:][:m.W]})
		}
		if scan.top < min(leastBar, len(scan.rows)) && scan.left < leastBar {
			return m.Bounds(), colour, nil
		}
	}
	return scan.inside(), scan.colour, nil
}

// barScan gathers what bars depend on.
type barScan struct {
	w      int
	colour [3]float32
	rows   []barRow
	// top is how many rows are equal to it before the first that is not; left and right, how
	// many pixels at the ends of every row.
	top, left, right int
}

// barRow is a row of pixels beside the colour of bars.
type barRow struct {
	equal        bool // all pixels are equal to it
	nearL, nearR int  // how many pixels from each end are not visibly different from it
	different    int  // number of pixels that are
}

func (s *barScan) add(row [3][]float32) {
	const visible = 4. / 255
	b := barRow{nearL: s.w}
	first, last, near := s.w, -1, -1 // pixels that are not equal, and the last that is not near
	for x := range s.w {
		d := float32(0)
		for c, v := range s.colour {
			d = max(d, row[c][x]-v, v-row[c][x])
		}
		if d > 0 {
			first, last = min(first, x), x
		}
		if d > visible {
			b.nearL, near = min(b.nearL, x), x
			b.different++
		}
	}
	b.equal, b.nearR = first == s.w, s.w-1-near
	if b.equal && s.top == len(s.rows) {
		s.top++
	}
	s.left, s.right = min(s.left, first), min(s.right, s.w-1-last)
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
	if s.top == H {
		return image.Rectangle{}
	}
	bottom := 0
	for s.rows[H-1-bottom].equal {
		bottom++
	}
	rows := s.rows[s.top : H-bottom]
	w, h := W-s.left-s.right, len(rows)
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
		if r.nearL < s.left+blurred {
			before++
		}
		if r.nearR < s.right+blurred {
			behind++
		}
	}
	bar := func(n, edge, side int) int {
		if n < leastBar || 4*edge < 3*side {
			return 0
		}
		return n
	}
	return image.Rect(bar(s.left, before, h), bar(s.top, above, w), W-bar(s.right, behind, h), H-bar(bottom, below, w))
}
