package imageio

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
)

// directory is a directory of fields with their values, to be written.
type directory []entry

// entry is a field with its values, big-endian, or with a directory as its value.
type entry struct {
	tag, kind uint16
	count     uint32
	data      []byte
	sub       directory
}

// shorts and longs return integer entries.
func shorts(tag uint16, values ...int) entry {
	var b []byte
	for _, v := range values {
		b = binary.BigEndian.AppendUint16(b, uint16(v))
	}
	return entry{tag: tag, kind: typeShort, count: uint32(len(values)), data: b}
}

func longs(tag uint16, values ...uint32) entry {
	var b []byte
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return entry{tag: tag, kind: typeLong, count: uint32(len(values)), data: b}
}

// rational returns an entry of one fraction.
func rational(tag uint16, r Ratio) entry {
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, r.Num), r.Den)
	return entry{tag: tag, kind: typeRational, count: 1, data: b}
}

// raw returns an entry of bytes whose meaning TIFF does not define.
func raw(tag uint16, data []byte) entry {
	return entry{tag: tag, kind: typeUndefined, count: uint32(len(data)), data: data}
}

// appendTo appends to b, which will be at offset base in the file, the directory
// followed by its values and subdirectories. It returns the directory's offset in the
// file. The values of entries must be in the same byte order.
func (d directory) appendTo(b []byte, base int, order binary.ByteOrder) (out []byte, at int) {
	d = slices.Clone(d)
	slices.SortStableFunc(d, func(x, y entry) int { return cmp.Compare(x.tag, y.tag) })
	b = append(b, make([]byte, (base+len(b))%2)...) // on a word boundary
	at = len(b)
	b = append(b, make([]byte, 2+12*len(d)+4)...)
	order.PutUint16(b[at:], uint16(len(d)))
	for i, e := range d {
		field := at + 2 + 12*i
		data := e.data
		if e.sub != nil {
			var start int
			b, start = e.sub.appendTo(b, base, order)
			e.kind, e.count, data = typeLong, 1, make([]byte, 4)
			order.PutUint32(data, uint32(start))
		}
		order.PutUint16(b[field:], e.tag)
		order.PutUint16(b[field+2:], e.kind)
		order.PutUint32(b[field+4:], e.count)
		if len(data) <= 4 {
			copy(b[field+8:], data)
			continue
		}
		b = append(b, make([]byte, (base+len(b))%2)...)
		order.PutUint32(b[field+8:], uint32(base+len(b)))
		b = append(b, data...)
	}
	return b, base + at
}

// descriptive lists the tags of a picture's first directory that describe its origin
// rather than how its pixels are stored, so that they are carried from TIFF to EXIF and
// back.
var descriptive = []uint16{
	269,   // DocumentName
	270,   // ImageDescription
	271,   // Make
	272,   // Model
	305,   // Software
	306,   // DateTime
	315,   // Artist
	316,   // HostComputer
	285,   // PageName
	18246, // Rating
	18249, // RatingPercent
	33432, // Copyright
	40091, // XPTitle
	40092, // XPComment
	40093, // XPAuthor
	40094, // XPKeywords
	40095, // XPSubject
	50341, // PrintImageMatching
	tagExifIFD,
	tagGPSIFD,
}

// tree reads the fields for which keep is true, and everything below them. Fields that
// cannot be read are left out. The budget of bytes keeps fields that refer to the same
// data from multiplying it.
func (d ifd) tree(budget *int64, depth int, keep func(tag uint16) bool) (tree directory, err error) {
	for _, f := range d.fields {
		if !keep(f.tag) {
			continue
		}
		e := entry{tag: f.tag, kind: f.kind, count: f.count}
		switch f.tag {
		case tagExifIFD, tagGPSIFD, tagInteropIFD:
			const deepest = 2 // IFD0, EXIF, interoperability
			if depth == deepest {
				continue
			}
			start, err := d.at(f, 0)
			if err != nil {
				continue
			}
			if sub, err := d.directory(start); err == nil {
				e.sub, _ = sub.tree(budget, depth+1, func(uint16) bool { return true })
			}
			if len(e.sub) == 0 {
				continue
			}
		default:
			if f.kind > typeIFD { // a 64-bit number, which only a BigTIFF can hold
				continue
			}
			if *budget -= f.size(); *budget < 0 {
				return nil, errors.New("more metadata than there is room for")
			}
			if e.data, err = d.bytes(f); err != nil {
				continue
			}
			d.bigEndian(e)
		}
		tree = append(tree, e)
	}
	return tree, nil
}

// bigEndian converts an entry's values if they are little-endian.
func (t tiffFile) bigEndian(e entry) {
	size := typeSize[e.kind]
	if e.kind == typeRational || e.kind == typeSRational {
		size /= 2 // it is two numbers, each of which is converted
	}
	if t.order != binary.LittleEndian || size == 0 {
		return
	}
	for b := e.data; int64(len(b)) >= size; b = b[size:] {
		slices.Reverse(b[:size])
	}
}

// exifFrom returns an EXIF block with the fields of d and an orientation, nil if there
// are no fields.
func exifFrom(d directory, turn orientation) []byte {
	if len(d) == 0 {
		return nil
	}
	const head = 8
	b, _ := append(d, shorts(tagOrientation, int(turn))).appendTo(nil, head, binary.BigEndian)
	return append([]byte("MM\x00*\x00\x00\x00\x08"), b...)
}

// exifFields returns an EXIF block's fields for the directory of a TIFF: all except
// those that describe how pixels are stored, or that a TIFF has from elsewhere.
func exifFields(exif []byte) (directory, error) {
	d, err := exifDirectory(exif)
	if err != nil {
		return nil, err
	}
	const slack = 1 << 16 // fields may overlap a little
	budget := 4*int64(len(exif)) + slack
	return d.tree(&budget, 0, func(tag uint16) bool { return !ofPixels(tag) && tiffOwn[tag] == "" })
}

// ofPixels reports whether a tag describes how pixels are stored, or is handled
// separately.
func ofPixels(tag uint16) bool {
	return tag >= 254 && tag <= 266 || // NewSubfileType to FillOrder
		tag >= tagStripOffsets && tag <= 284 || // orientation, samples, strips, resolution, planes
		tag >= 288 && tag <= 297 || // unused bytes, response of grey, fax, unit, page number
		tag >= 317 && tag <= 347 && tag != 318 && tag != 319 || // predictor, palette, tiles, inks, samples
		tag >= 512 && tag <= 532 || // JPEG, YCbCr
		tag == tagXMP || tag == tagICC || tag >= 32995 && tag <= 32998
}
