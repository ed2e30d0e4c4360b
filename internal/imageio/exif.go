package imageio

import "bytes"

// turnOf is how EXIF and XMP, either of which may be missing, say that a
// picture is stored. XMP is asked only if EXIF has no such field, as other
// programs do it.
func turnOf(exif, xmp []byte) orientation {
	if t, first, err := openTIFF(bytes.NewReader(exif)); err == nil {
		if fields, _, err := t.directory(first); err == nil {
			if turn, found := t.turn(fields); found {
				return turn
			}
		}
	}
	turn, _ := xmpTurn(xmp)
	return turn
}

// turn is the orientation in a directory, and whether it has such a field. It
// should be one short number; of other numbers the first counts.
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

// The pairs of fields that belong to the axes of a picture, in its first
// directory and in that of EXIF.
var (
	axesOfFirst = [][2]uint16{{tagImageWidth, tagImageLength}, {tagXResolution, tagYResolution}}
	axesOfEXIF  = [][2]uint16{{tagPixelXDimension, tagPixelYDimension}, {tagFocalPlaneX, tagFocalPlaneY}}
)

// uprightEXIF is exif for a picture that was turned upright: orientation
// becomes 1, what belongs to the axes is swapped with them, and the thumbnail,
// which shows the picture as it was, is unlinked. What cannot be read stays as
// it is.
func uprightEXIF(exif []byte, turn orientation) []byte {
	out := bytes.Clone(exif)
	t, first, err := openTIFF(bytes.NewReader(out))
	if err != nil {
		return out
	}
	fields, next, err := t.directory(first)
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
		if fields, next, err = t.directory(first); err != nil {
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

// reset makes a field of exif a single short number, whatever it was.
func (t tiffFile) reset(exif []byte, f field, v uint16) {
	entry := exif[f.entry : f.entry+12]
	t.order.PutUint16(entry[2:], typeShort)
	t.order.PutUint32(entry[4:], 1)
	clear(entry[8:])
	t.order.PutUint16(entry[8:], v)
}

// swapFields exchanges the values of each pair of fields that is whole: type,
// count, and the value or its place.
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
