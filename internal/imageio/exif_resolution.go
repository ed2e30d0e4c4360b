package imageio

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// resolution returns the resolution in a TIFF's or EXIF's directory.
func (t tiffFile) resolution(fields []field) Resolution {
	x, y, unit := Ratio{}, Ratio{}, Inch
	for _, f := range fields {
		switch f.tag {
		case tagXResolution:
			x = t.ratio(f)
		case tagYResolution:
			y = t.ratio(f)
		case tagResolutionUnit:
			unit = NoUnit
			if v := Unit(t.uint(f, 0)); v == Inch || v == Centimetre {
				unit = v
			}
		}
	}
	return newResolution(x, y, unit)
}

// exifResolution returns the resolution in an EXIF block, for the stored picture.
func exifResolution(exif []byte) Resolution {
	t, fields, _, err := exifDirectory(exif)
	if err != nil {
		return Resolution{}
	}
	return t.resolution(fields)
}

// resolutionFields returns r as entries of a directory.
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
	if exifResolution(exif).equals(r) {
		return exif, true
	}
	t, fields, _, err := exifDirectory(exif)
	if err != nil {
		return exif, false
	}
	out = append(bytes.Clone(exif), make([]byte, len(exif)%2)...)
	var entries [][]byte
	for _, f := range fields {
		if f.tag != tagXResolution && f.tag != tagYResolution && f.tag != tagResolutionUnit {
			entries = append(entries, out[f.entry:f.entry+12:f.entry+12])
		}
	}
	number := map[binary.ByteOrder]binary.AppendByteOrder{binary.LittleEndian: binary.LittleEndian, binary.BigEndian: binary.BigEndian}[t.order]
	for _, e := range resolutionFields(r) {
		b := number.AppendUint32(number.AppendUint16(number.AppendUint16(nil, e.tag), e.kind), e.count)
		if e.kind == typeShort {
			b = number.AppendUint16(number.AppendUint16(b, uint16(r.Unit)), 0)
		} else {
			b = number.AppendUint32(b, uint32(len(out)))
			ratio := map[uint16]Ratio{tagXResolution: r.X, tagYResolution: r.Y}[e.tag]
			out = number.AppendUint32(number.AppendUint32(out, ratio.Num), ratio.Den)
		}
		entries = append(entries, b)
	}
	slices.SortStableFunc(entries, func(a, b []byte) int { return cmp.Compare(t.order.Uint16(a), t.order.Uint16(b)) })
	t.order.PutUint32(out[4:], uint32(len(out)))
	out = number.AppendUint16(out, uint16(len(entries)))
	for _, e := range entries {
		out = append(out, e...)
	}
	return append(out, 0, 0, 0, 0), true
}

// onlyResolution reports whether an EXIF block holds nothing else, except that the
// picture is upright.
func onlyResolution(exif []byte) bool {
	_, fields, _, err := exifDirectory(exif)
	said := []uint16{tagOrientation, tagXResolution, tagYResolution, tagResolutionUnit}
	return err == nil && !slices.ContainsFunc(fields, func(f field) bool { return !slices.Contains(said, f.tag) })
}
