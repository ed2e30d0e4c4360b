package imageio

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

// The directories of TIFF 6.0, section 2, also used by EXIF, and those of BigTIFF,
// whose counts and offsets have 64 bits.

// Tags, named as in TIFF and EXIF.
const (
	tagSubfileType     = 254
	tagImageWidth      = 256
	tagImageLength     = 257
	tagBitsPerSample   = 258
	tagCompression     = 259
	tagPhotometric     = 262
	tagStripOffsets    = 273
	tagFillOrder       = 266
	tagOrientation     = 274
	tagSamplesPerPixel = 277
	tagRowsPerStrip    = 278
	tagStripByteCounts = 279
	tagXResolution     = 282
	tagYResolution     = 283
	tagPlanarConfig    = 284
	tagT4Options       = 292
	tagT6Options       = 293
	tagResolutionUnit  = 296
	tagPredictor       = 317
	tagColorMap        = 320
	tagTileWidth       = 322
	tagTileLength      = 323
	tagTileOffsets     = 324
	tagTileByteCounts  = 325
	tagSubIFDs         = 330
	tagExtraSamples    = 338
	tagSampleFormat    = 339
	tagInkSet          = 332
	tagJPEGTables      = 347

	tagXMP             = 700
	tagICC             = 34675
	tagExifIFD         = 34665
	tagGPSIFD          = 34853
	tagInteropIFD      = 40965
	tagPixelXDimension = 40962
	tagPixelYDimension = 40963
	tagFocalPlaneX     = 41486
	tagFocalPlaneY     = 41487
)

// Types of fields; typeSize holds their sizes in bytes.
const (
	typeByte, typeASCII, typeShort, typeLong, typeRational = 1, 2, 3, 4, 5
	typeUndefined, typeSShort, typeSLong, typeSRational    = 7, 8, 9, 10
	typeFloat, typeDouble, typeIFD, typeLong8              = 11, 12, 13, 16 // the last of BigTIFF
)

var typeSize = [...]int64{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8}

// field is an entry of a directory; its values are still in the file.
type field struct {
	tag, kind uint16
	count     uint32
	entry     int64 // offset of the entry in the directory
	at        int64 // offset of the values
}

func (f field) size() int64 { return typeSize[f.kind] * int64(f.count) }

// tiffFile reads the directories of a TIFF structure.
type tiffFile struct {
	r     io.ReaderAt
	order binary.ByteOrder
	big   bool // a BigTIFF
}

// widths returns the bytes of a directory's count, of an entry, and of a number in it.
func (t tiffFile) widths() (count, entry, number int64) {
	if t.big {
		return 8, 20, 8
	}
	return 2, 12, 4
}

// number decodes an unsigned integer from all bytes of b; one too large for any file
// becomes the largest.
func (t tiffFile) number(b []byte) int64 {
	switch len(b) {
	case 1:
		return int64(b[0])
	case 2:
		return int64(t.order.Uint16(b))
	case 4:
		return int64(t.order.Uint32(b))
	}
	return int64(min(t.order.Uint64(b), math.MaxInt64/2))
}

// How BigTIFFs begin, including the number of bytes in an offset.
const bigLittle, bigBig = "II+\x00\x08\x00\x00\x00", "MM\x00+\x00\x08\x00\x00"

// directories reads the header of a TIFF or BigTIFF and returns the offset of the first
// directory.
func directories(r io.ReaderAt) (t tiffFile, first int64, err error) {
	var head [16]byte
	n, err := r.ReadAt(head[:], 0)
	t = tiffFile{r: r, order: binary.LittleEndian}
	if head[0] == 'M' {
		t.order = binary.BigEndian
	}
	offset, end := head[4:8], 8
	switch {
	case begins(head[:], "II*\x00"), begins(head[:], "MM\x00*"):
	case begins(head[:], bigLittle), begins(head[:], bigBig):
		t.big, offset, end = true, head[8:], len(head)
	default:
		return t, 0, fmt.Errorf("a TIFF structure does not begin with %q", head[:4])
	}
	if n < end {
		return t, 0, err
	}
	return t, t.number(offset), nil
}

// ifd is a directory, in the order of the file.
type ifd struct {
	tiffFile
	fields []field
	next   int64 // where the next directory's offset is stored
}

// maxFields bounds a directory: no program writes a tenth of them.
const maxFields = 1 << 10

// directory reads the directory at offset. Fields of unknown types are left out.
func (t tiffFile) directory(offset int64) (d ifd, err error) {
	count, entry, number := t.widths()
	n := make([]byte, count)
	if _, err := t.r.ReadAt(n, offset); err != nil {
		return d, err
	}
	if t.number(n) > maxFields {
		return d, damaged(TIFF, "a directory has %d fields", t.number(n))
	}
	b := make([]byte, entry*t.number(n))
	if _, err := t.r.ReadAt(b, offset+count); err != nil {
		return d, err
	}
	d = ifd{tiffFile: t, next: offset + count + int64(len(b))}
	for i := int64(0); i < int64(len(b)); i += entry {
		e := b[i : i+entry]
		values := t.number(e[4 : 4+number])
		f := field{tag: t.order.Uint16(e), kind: t.order.Uint16(e[2:]), count: uint32(values)}
		f.entry = offset + count + i
		if int(f.kind) >= len(typeSize) || typeSize[f.kind] == 0 || values > math.MaxUint32 {
			continue
		}
		if f.at = t.number(e[4+number:]); f.size() <= number {
			f.at = f.entry + 4 + number
		}
		d.fields = append(d.fields, f)
	}
	return d, nil
}

// find returns the first field with a tag; without one, a field that has no values.
func (d ifd) find(tag uint16) (f field, ok bool) {
	if i := slices.IndexFunc(d.fields, func(f field) bool { return f.tag == tag }); i >= 0 {
		return d.fields[i], true
	}
	return field{}, false
}

func (d ifd) has(tag uint16) bool {
	_, ok := d.find(tag)
	return ok
}

// value returns the first number of a tag, or otherwise if it has none.
func (d ifd) value(tag uint16, otherwise uint32) uint32 {
	f, _ := d.find(tag)
	return d.uint(f, otherwise)
}

// values returns the numbers of a tag, at most 16.
func (d ifd) values(tag uint16) []int64 {
	f, _ := d.find(tag)
	return d.numbers(f)
}

// bytes returns a field's raw values, at most maxMetadata.
func (t tiffFile) bytes(f field) ([]byte, error) {
	if f.size() > maxMetadata {
		return nil, fmt.Errorf("tag %d has %d bytes", f.tag, f.size())
	}
	return readExactly(io.NewSectionReader(t.r, f.at, f.size()), f.size())
}

// numbers returns a field's values, at most 16, or nil if they are not integers. Signed
// ones are read as unsigned, since no relevant one is negative.
func (t tiffFile) numbers(f field) (values []int64) {
	switch f.kind {
	case typeASCII, typeRational, typeSRational, typeFloat, typeDouble:
		return nil
	}
	f.count = min(f.count, 16)
	b, err := t.bytes(f)
	if err != nil {
		return nil
	}
	for size := typeSize[f.kind]; len(b) > 0; b = b[size:] {
		values = append(values, t.number(b[:size]))
	}
	return values
}

// ratio returns a field's first rational number, 0/0 if it has none.
func (t tiffFile) ratio(f field) Ratio {
	if f.kind == typeShort || f.kind == typeLong {
		return Ratio{t.uint(f, 0), 1}
	}
	if f.kind != typeRational {
		return Ratio{}
	}
	f.count = min(f.count, 1)
	b, err := t.bytes(f)
	if err != nil || len(b) < 8 {
		return Ratio{}
	}
	return Ratio{t.order.Uint32(b), t.order.Uint32(b[4:])}
}

// at returns value i of an integer field.
func (t tiffFile) at(f field, i int64) (int64, error) {
	f.at, f.count = f.at+i*typeSize[f.kind], 1
	v := t.numbers(f)
	if len(v) == 0 {
		return 0, damaged(TIFF, "tag %d cannot be read", f.tag)
	}
	return v[0], nil
}

// uint returns a field's first value, or otherwise if it has none. One of 64 bits
// saturates at 32.
func (t tiffFile) uint(f field, otherwise uint32) uint32 {
	if v := t.numbers(f); len(v) > 0 {
		return uint32(min(v[0], math.MaxUint32))
	}
	return otherwise
}
