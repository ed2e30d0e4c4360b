package restore

// blend overlays tiles, one row of tiles at a time.
type blend struct {
	x, y    grid
	w       int
	single  bool        // there is only one tile: its pixels are the result
	columns [][]float32 // weights of the tiles of a row
	tile    []float32   // the last tile restored, whose memory the next reuses
	rgb     []float32   // [3,h,w], h the height of the current row of tiles
	carry   []float32   // [3,overlap,w], the sum so far where rows overlap
}

func newBlend(l layout, w int) *blend {
	b := &blend{x: l.x, y: l.y, w: w, single: l.tiles() == 1}
	for i := range l.x.spans {
		b.columns = append(b.columns, l.x.weights(i))
	}
	return b
}

// begin starts row j of tiles with what the previous row left of it.
func (b *blend) begin(j int) {
	if b.single {
		return
	}
	h, kept := b.y.spans[j].len(), b.y.overlap
	if j > 0 {
		b.carry = rows(b.carry, b.rgb, 3, b.y.spans[j-1].len(), b.w, b.y.stride, kept)
	}
	if n := 3 * h * b.w; cap(b.rgb) < n {
		b.rgb = make([]float32, n)
	} else {
		b.rgb = b.rgb[:n]
		clear(b.rgb)
	}
	for c := 0; c < 3 && j > 0; c++ {
		copy(b.rgb[c*h*b.w:], b.carry[c*kept*b.w:(c+1)*kept*b.w])
	}
}

// add adds tile i of row j [3,h,w]. It keeps a single tile as it is.
func (b *blend) add(tile []float32, j, i int) {
	if b.single {
		b.rgb = tile
		return
	}
	x, h, columns := b.x.spans[i], b.y.spans[j].len(), b.columns[i]
	for row, weight := range b.y.weights(j) {
		if weight == 0 {
			continue
		}
		for c := range 3 {
			dst := b.rgb[(c*h+row)*b.w+x.from:][:x.len()]
			src := tile[(c*h+row)*x.len():][:x.len()]
			for k, v := range src {
				dst[k] += weight * columns[k] * v
			}
		}
	}
}
