package imageio

import "bytes"

// exifDirectory reads the first directory of an EXIF block: see tiffFile.directory.
func exifDirectory(exif []byte) (t tiffFile, fields []field, next int64, err error) {
	t, first, err := openTIFF(bytes.NewReader(exif))
	if err == nil {
		fields, next, err = t.directory(first)
	}
	return t, fields, next, err
}

// turnOf returns the orientation of the stored picture according to EXIF and XMP,
// either of which may be missing. XMP counts only if EXIF has no such field, as in
// other programs.
func turnOf(exif, xmp []byte) orientation {
	if t, fields, _, err := exifDirectory(exif); err == nil {
		if turn, found := t.turn(fields); found {
			return turn
		}
	}
	turn, _ := xmpTurn(xmp)
	return turn
}

// turn returns the orientation in a directory, and whether it has that field. It should
// be a single short; if there are more numbers, the first counts.
func (t tiffFile) turn(fields []field) (o orientation, found bool) {
	for _, f := range fields {
		if f.tag != tagOrientation {
			continue
		}
		v := t.uint(f, 0)
		if f.kind == typeRational {
			v = t.ratio(f).whole()
		}
		if v < 1 || v > 8 {
			v = uint32(upright)
		}
		return orientation(v), true
	}
	return upright, false
}

// Pairs of fields that belong to a picture's axes, in its first directory and in
// EXIF's.
var (
	axesOfFirst = [][2]uint16{{tagImageWidth, tagImageLength}, {tagXResolution, tagYResolution}}
	axesOfEXIF  = [][2]uint16{{tagPixelXDimension, tagPixelYDimension}, {tagFocalPlaneX, tagFocalPlaneY}}
)

// uprightEXIF returns exif for the picture turned upright: the orientation becomes 1,
// the fields that belong to the axes are swapped, and the thumbnail, which shows the
// original, is unlinked. Anything that cannot be parsed stays as it is.
func uprightEXIF(exif []byte, turn orientation) []byte {
	out := bytes.Clone(exif)
	t, fields, next, err := exifDirectory(out)
	if err != nil {
		return out
	}
	if turn.swaps() {
		swapFields(out, fields, axesOfFirst)
		for _, f := range fields {
			if sub, _, err := t.directory(int64(t.uint(f, 0))); err == nil && f.tag == tagExifIFD {
				swapFields(out, sub, axesOfEXIF)
			}
		}
		// Directories of a damaged block may overlap.
		if _, fields, next, err = exifDirectory(out); err != nil {
			return out
		}
	}
	for _, f := range fields {
		if f.tag == tagOrientation {
			t.reset(out, f, uint16(upright))
		}
	}
	if next+4 <= int64(len(out)) {
		clear(out[next : next+4])
	}
	return out
}

// reset turns a field of exif into a single short with value v.
func (t tiffFile) reset(exif []byte, f field, v uint16) {
	entry := exif[f.entry : f.entry+12]
	t.order.PutUint16(entry[2:], typeShort)
	t.order.PutUint32(entry[4:], 1)
	clear(entry[8:])
	t.order.PutUint16(entry[8:], v)
}

// swapFields exchanges the values of each complete pair of fields: type, count, and the
// value or its offset.
func swapFields(exif []byte, fields []field, pairs [][2]uint16) {
	at := map[uint16]int64{}
	for _, f := range fields {
		at[f.tag] = f.entry
	}
	for _, pair := range pairs {
		a, hasA := at[pair[0]]
		b, hasB := at[pair[1]]
		if !hasA || !hasB {
			continue
		}
		for i := int64(2); i < 12; i++ {
			exif[a+i], exif[b+i] = exif[b+i], exif[a+i]
		}
	}
}
