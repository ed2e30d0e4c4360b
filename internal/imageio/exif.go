package imageio

import (
	"bytes"
	"errors"
)

// exifDirectory reads the first directory of an EXIF block, which is never a BigTIFF. With an
// error it returns one without fields.
func exifDirectory(exif []byte) (ifd, error) {
	t, first, err := directories(bytes.NewReader(exif))
	if err != nil {
		return ifd{}, err
	}
	if t.big {
		return ifd{}, errors.New("a BigTIFF is no block of EXIF")
	}
	return t.directory(first)
}

// turnOf returns the orientation of the stored picture according to EXIF and XMP,
// either of which may be missing. XMP counts only if EXIF has no such field, as in
// other programs.
func turnOf(exif, xmp []byte) orientation {
	d, _ := exifDirectory(exif)
	turn, found := d.turn()
	if !found {
		turn, _ = xmpTurn(xmp)
	}
	return turn
}

// turn returns the orientation in a directory, and whether it has that field. It should
// be a single short; if there are more numbers, the first counts.
func (d ifd) turn() (o orientation, found bool) {
	f, found := d.find(tagOrientation)
	v := d.uint(f, 0)
	if f.kind == typeRational {
		v = d.ratio(f).whole()
	}
	if v < 1 || v > 8 {
		return upright, found
	}
	return orientation(v), found
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
	d, err := exifDirectory(out)
	if err != nil {
		return out
	}
	if turn.swaps() {
		d.swap(out, axesOfFirst)
		if sub, err := d.directory(int64(d.value(tagExifIFD, 0))); err == nil && d.has(tagExifIFD) {
			sub.swap(out, axesOfEXIF)
		}
		// Directories of a damaged block may overlap.
		if d, err = exifDirectory(out); err != nil {
			return out
		}
	}
	for _, f := range d.fields {
		if f.tag == tagOrientation { // becomes a single short
			entry := out[f.entry : f.entry+12]
			d.order.PutUint16(entry[2:], typeShort)
			d.order.PutUint32(entry[4:], 1)
			clear(entry[8:])
			d.order.PutUint16(entry[8:], uint16(upright))
		}
	}
	if d.next+4 <= int64(len(out)) {
		clear(out[d.next : d.next+4])
	}
	return out
}

// swap exchanges the values of each complete pair of fields: type, count, and the value
// or its offset.
func (d ifd) swap(exif []byte, pairs [][2]uint16) {
	for _, pair := range pairs {
		a, hasA := d.find(pair[0])
		b, hasB := d.find(pair[1])
		for i := int64(2); i < 12 && hasA && hasB; i++ {
			exif[a.entry+i], exif[b.entry+i] = exif[b.entry+i], exif[a.entry+i]
		}
	}
}
