package imageio

import "encoding/binary"

// checkYCbCr refuses unsupported kinds of luma and chroma. In JPEG compression, the
// JPEG determines them, whatever the directory says.
func (p *tiffPage) checkYCbCr() error {
	if p.compression == tiffJPEG {
		return nil
	}
	if !p.fullChroma() {
		return unsupported(TIFF, "YCbCr colour of subsampled chroma that is not in JPEG")
	}
	const luma, near = 0.299, 0.001 // the weight of red that is assumed
	if f, ok := p.find(tagYCbCrCoefficients); ok {
		if red := p.ratio(f); red.Den == 0 || max(red.float()-luma, luma-red.float()) > near {
			return unsupported(TIFF, "YCbCr colour with weights other than those of BT.601")
		}
	}
	if f, ok := p.find(tagReferenceBlackWhite); ok && p.ratio(f).Num != 0 {
		return unsupported(TIFF, "YCbCr colour of the range of video")
	}
	return nil
}

// fullChroma reports whether each pixel has its own chroma. Some writers omit the field
// for that; then the length of the data tells.
func (p *tiffPage) fullChroma() bool {
	if s := p.values(tagYCbCrSubSampling); len(s) >= 2 {
		return s[0] == 1 && s[1] == 1
	}
	rows := min(int64(p.value(tagRowsPerStrip, uint32(p.h))), int64(p.h))
	return p.compression == tiffNone && int64(p.value(tagStripByteCounts, 0)) == 3*int64(p.w)*rows
}

// unpackYCbCr converts n pixels to RGB.
func (t *tiffRows) unpackYCbCr(dst []byte, n int) {
	step, planes := t.pixelBytes(), [3][]uint8{}
	for k := range planes {
		planes[k] = make([]uint8, n)
		t.spread(planes[k], 1, k, n)
	}
	toRGB(planes[0], planes[1], planes[2])
	for k, plane := range planes {
		for x, v := range plane {
			dst[x*step+k] = v
		}
	}
}

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
