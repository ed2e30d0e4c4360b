package imageio

import "bytes"

// uprightEXIF is exif for the picture turned upright, and how it was turned:
// orientation becomes 1, the picture's sides are swapped with the pixels', and
// the thumbnail, which shows the picture as it was, is unlinked. What cannot
// be read stays as it is.
func uprightEXIF(exif []byte) ([]byte, orientation) {
	out := bytes.Clone(exif)
	t, first, err := openTIFF(bytes.NewReader(out))
	if err != nil {
		return out, upright
	}
	fields, next, err := t.directory(first)
	if err != nil {
		return out, upright
	}
	turn := upright
	for _, f := range fields {
		if f.tag == tagOrientation && f.kind == typeShort {
			if v := t.uint(f, 1); v >= 1 && v <= 8 {
				turn = orientation(v)
			}
			t.patch(out, f, 1)
		}
	}
	for _, f := range fields {
		if f.tag == tagExifIFD && turn.swaps() {
			t.swapSides(out, int64(t.uint(f, 0)))
		}
	}
	if next+4 <= int64(len(out)) {
		clear(out[next : next+4])
	}
	return out, turn
}

// swapSides exchanges the picture's width and height in the EXIF directory.
func (t tiffFile) swapSides(exif []byte, offset int64) {
	fields, _, err := t.directory(offset)
	if err != nil {
		return
	}
	side := map[uint16]field{}
	for _, f := range fields {
		side[f.tag] = f
	}
	x, hasX := side[tagPixelXDimension]
	y, hasY := side[tagPixelYDimension]
	if hasX && hasY {
		w, h := t.uint(x, 0), t.uint(y, 0)
		t.patch(exif, x, h)
		t.patch(exif, y, w)
	}
}

// patch overwrites the single whole number of a field that lies in b.
func (t tiffFile) patch(b []byte, f field, v uint32) {
	if f.count != 1 || f.at+f.size() > int64(len(b)) {
		return
	}
	switch f.kind {
	case typeShort:
		t.order.PutUint16(b[f.at:], uint16(v))
	case typeLong:
		t.order.PutUint32(b[f.at:], v)
	}
}
