package imageio

import (
	"bytes"
	"slices"
)

// resolution returns the resolution in a TIFF's or EXIF's directory.
func (d ifd) resolution() Resolution {
	unit := Unit(d.value(tagResolutionUnit, uint32(Inch)))
	if unit != Inch && unit != Centimetre {
		unit = NoUnit
	}
	x, _ := d.find(tagXResolution)
	y, _ := d.find(tagYResolution)
	return newResolution(d.ratio(x), d.ratio(y), unit)
}

// exifResolution returns the resolution in an EXIF block, for the stored picture.
func exifResolution(exif []byte) Resolution {
	d, _ := exifDirectory(exif)
	return d.resolution()
}

func resolutionFields(r Resolution) directory {
	return directory{rational(tagXResolution, r.X), rational(tagYResolution, r.Y), shorts(tagResolutionUnit, int(r.Unit))}
}

// withResolution returns exif, which may be nil, with resolution r. What is in the
// block stays in place, since maker notes may refer to any offset: its first directory
// is rewritten at the end. A block that cannot be parsed is returned unchanged, with ok
// false.
func withResolution(exif []byte, r Resolution) (out []byte, ok bool) {
	if exif == nil {
		return exifFrom(resolutionFields(r), upright), true
	}
	d, err := exifDirectory(exif)
	switch {
	case err != nil:
		return exif, false
	case d.resolution().equals(r):
		return exif, true
	}
	out, fields := bytes.Clone(exif), directory{}
	for _, e := range resolutionFields(r) {
		d.bigEndian(e) // or from it
		fields = append(fields, e)
	}
	for _, f := range d.fields {
		if f.tag != tagXResolution && f.tag != tagYResolution && f.tag != tagResolutionUnit {
			fields = append(fields, entry{tag: f.tag, kind: f.kind, count: f.count, data: out[f.entry+8:][:4]})
		}
	}
	out, at := fields.appendTo(out, 0, d.order)
	d.order.PutUint32(out[4:], uint32(at))
	return out, true
}

// onlyResolution reports whether an EXIF block holds nothing else, except that the
// picture is upright.
func onlyResolution(exif []byte) bool {
	d, err := exifDirectory(exif)
	said := []uint16{tagOrientation, tagXResolution, tagYResolution, tagResolutionUnit}
	return err == nil && !slices.ContainsFunc(d.fields, func(f field) bool { return !slices.Contains(said, f.tag) })
}
