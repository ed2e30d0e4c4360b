package imageio

import "encoding/binary"

// unpackInks converts n pixels to RGB, as mixed on white paper without a profile.
func (t *tiffRows) unpackInks(dst []byte, n int) {
	step, size := t.pixelBytes(), t.depth/8
	inks := make([]byte, 4*n*size)
	for k := range 4 {
		t.spread(inks[k*size:], 4*size, k, n)
	}
	for x := range n {
		pixel, ink := dst[x*step:], inks[4*x*size:]
		for c := range 3 {
			if size == 1 {
				pixel[c] = uint8(onPaper(uint32(ink[c]), uint32(ink[3]), 255))
				continue
			}
			v := onPaper(uint32(binary.BigEndian.Uint16(ink[2*c:])), uint32(binary.BigEndian.Uint16(ink[6:])), 65535)
			binary.BigEndian.PutUint16(pixel[2*c:], uint16(v))
		}
	}
}

// onPaper returns the light that passes an ink and black, of full.
func onPaper(ink, black, full uint32) uint32 {
	paper := full - black
	return paper - (ink*paper+full/2)/full
}
