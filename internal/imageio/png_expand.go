package imageio

import "encoding/binary"

// expand writes a row of w pixels in packed's form: 8 or 16 bits per sample, palette
// indices looked up, a transparent colour turned into alpha.
func (f *pngFile) expand(dst, row []byte, w int) error {
	h := f.header
	switch {
	case h.kind == pngPalette:
		return f.lookUp(dst, row, w)
	case f.keyed():
		f.expandKeyed(dst, row, w)
	case h.depth < 8:
		scale := 255 / (uint32(1)<<h.depth - 1)
		for x := range w {
			dst[x] = uint8(bitsAt(row, x, int(h.depth)) * scale)
		}
	default:
		copy(dst, row)
	}
	return nil
}

// lookUp replaces palette indices by colours.
func (f *pngFile) lookUp(dst, row []byte, w int) error {
	step := f.shape().pixelBytes()
	for x := range w {
		i := int(bitsAt(row, x, int(f.header.depth)))
		if 3*i >= len(f.palette) {
			return damaged(PNG, "a pixel has colour %d of a palette of %d", i, len(f.palette)/3)
		}
		pixel := dst[x*step : (x+1)*step]
		copy(pixel, f.palette[3*i:3*i+3])
		if step == 4 {
			pixel[3] = 255
			if i < len(f.trns) {
				pixel[3] = f.trns[i]
			}
		}
	}
	return nil
}

// expandKeyed adds an alpha of 0 to pixels of tRNS's colour, whose bits above the depth do
// not count, and of 1 to others.
func (f *pngFile) expandKeyed(dst, row []byte, w int) {
	depth := int(f.header.depth)
	n, size := f.header.channels(), max(1, depth/8)
	for x := range w {
		pixel, opaque := dst[x*(n+1)*size:(x+1)*(n+1)*size], uint8(0)
		for c := range n {
			value := bitsAt(row, x*n+c, depth)
			if depth == 16 {
				binary.BigEndian.PutUint16(pixel[2*c:], uint16(value))
			} else {
				pixel[c] = uint8(value * (255 / (1<<depth - 1)))
			}
			if value != uint32(binary.BigEndian.Uint16(f.trns[2*c:]))&(1<<depth-1) {
				opaque = 255
			}
		}
		for k := n * size; k < len(pixel); k++ {
			pixel[k] = opaque
		}
	}
}
