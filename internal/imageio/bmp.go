package imageio

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"
	"slices"
)

// Supported values by number; all others are refused with their names.
const (
	bmpNone, bmpRLE8, bmpRLE4, bmpFields, bmpAlphaFields = 0, 1, 2, 3, 6

	bmpFileHead, bmpCore, bmpInfo = 14, 12, 40 // lengths of headers
)

var bmpCompressions = map[uint32]string{4: "JPEG or 24-bit run-length compression", 5: "PNG compression",
	11: "CMYK colour", 12: "CMYK colour", 13: "CMYK colour"}

// bmpMagic lists how BMPs begin: any length and reserved bytes, then the length of a
// supported header; or zero reserved bytes, to be refused by their header's length.
var bmpMagic = []string{
	"BM............\x0c\x00\x00\x00", "BM............\x28\x00\x00\x00", "BM............\x34\x00\x00\x00",
	"BM............\x38\x00\x00\x00", "BM............\x40\x00\x00\x00", "BM............\x6c\x00\x00\x00",
	"BM............\x7c\x00\x00\x00", "BM....\x00\x00\x00\x00",
}

type bmpFile struct {
	kind        shape
	bits        int
	compression uint32
	topDown     bool
	stride      int64
	offset      int64         // of the pixels
	palette     [3 * 256]byte // RGB
	fields      [4]bmpField   // red, green, blue, alpha, for 16 and 32 bits
	perMetre    [2]int32      // resolution
	colour      bmpColour
}

// bmpField is the position of a sample in a pixel.
type bmpField struct {
	shift int
	top   uint32 // the largest value; 0 for no field
}

// value rounds down, like Pillow.
func (f bmpField) value(pixel uint32) byte {
	if f.top == 0 {
		return 0
	}
	v := uint64(pixel >> f.shift & f.top)
	return byte(v * 255 / uint64(f.top))
}

func readBMP(file io.ReaderAt, limits Limits) (*bmpFile, error) {
	var head [bmpFileHead + 124]byte
	n, err := file.ReadAt(head[:], 0)
	if n < bmpFileHead+bmpCore {
		return nil, err
	}
	le, f := binary.LittleEndian, &bmpFile{}
	f.offset = int64(le.Uint32(head[10:]))
	size := int(le.Uint32(head[14:]))
	if !slices.Contains([]int{bmpCore, bmpInfo, 52, 56, 64, 108, 124}, size) {
		return nil, unsupported(BMP, "a header of %d bytes", size)
	}
	if n < bmpFileHead+size {
		return nil, io.ErrUnexpectedEOF
	}
	f.kind = shape{depth: 8}
	colours := uint32(0)
	if size == bmpCore {
		f.kind.w, f.kind.h, f.bits = int(le.Uint16(head[18:])), int(le.Uint16(head[20:])), int(le.Uint16(head[24:]))
	} else {
		w, h := int32(le.Uint32(head[18:])), int32(le.Uint32(head[22:]))
		f.topDown = h < 0
		f.kind.w, f.kind.h, f.bits = int(w), abs(int(h)), int(le.Uint16(head[28:]))
		f.compression, colours = le.Uint32(head[30:]), le.Uint32(head[46:])
		f.perMetre = [2]int32{int32(le.Uint32(head[38:])), int32(le.Uint32(head[42:]))}
	}
	if err := limits.check(f.kind.w, f.kind.h); err != nil {
		return nil, err
	}
	if err := f.check(size); err != nil {
		return nil, err
	}
	f.stride = (int64(f.kind.w)*int64(f.bits) + 31) / 32 * 4
	f.colour = bmpColourOf(head[bmpFileHead : bmpFileHead+size])
	end, err := f.readBehind(file, size, colours)
	if f.offset == 0 {
		f.offset = end // some writers leave that to the reader
	}
	if err == nil && f.offset < int64(bmpFileHead+size) {
		err = damaged(BMP, "its pixels begin at byte %d, within its header", f.offset)
	}
	if err == nil && f.kind.alpha {
		err = f.findAlpha(file)
	}
	return f, err
}

// readBehind reads what lies between the header and the pixels, and returns where it
// ends.
func (f *bmpFile) readBehind(file io.ReaderAt, size int, colours uint32) (end int64, err error) {
	if f.bits <= 8 {
		return f.readPalette(file, size, colours)
	}
	end = int64(bmpFileHead + size)
	if size == bmpInfo {
		end += map[uint32]int64{bmpFields: 12, bmpAlphaFields: 16}[f.compression]
	}
	return end, f.readFields(file, size)
}

// check refuses unsupported variants with their names.
func (f *bmpFile) check(size int) error {
	if what := bmpCompressions[f.compression]; what != "" || f.compression == bmpFields && size == 64 {
		if what == "" {
			what = "Huffman compression"
		}
		return unsupported(BMP, "%s", what)
	}
	allowed := map[uint32][]int{bmpNone: {1, 2, 4, 8, 16, 24, 32}, bmpRLE8: {8}, bmpRLE4: {4}, bmpFields: {16, 24, 32}, bmpAlphaFields: {16, 24, 32}}
	if !slices.Contains(allowed[f.compression], f.bits) {
		return unsupported(BMP, "%d bits a pixel and compression %d", f.bits, f.compression)
	}
	return nil
}

// readPalette reads as many colours as there is room for; others are black. It returns
// where they end.
func (f *bmpFile) readPalette(file io.ReaderAt, size int, colours uint32) (end int64, err error) {
	entry, n := 4, 1<<f.bits
	if size == bmpCore {
		entry = 3
	} else if colours > 0 {
		n = int(min(int64(colours), int64(n)))
	}
	data := make([]byte, entry*n)
	got, err := file.ReadAt(data, int64(bmpFileHead+size))
	if got < len(data) {
		return 0, err
	}
	for i := range n {
		b := data[entry*i:]
		f.palette[3*i], f.palette[3*i+1], f.palette[3*i+2] = b[2], b[1], b[0]
	}
	return int64(bmpFileHead+size) + int64(max(len(data), entry*int(min(colours, maxColours)))), nil
}

// maxColours bounds the length of a palette that a header can claim.
const maxColours = 1 << 16

// readFields locates the samples in pixels of 16 to 32 bits.
func (f *bmpFile) readFields(file io.ReaderAt, size int) error {
	masks := [4]uint32{0xff0000, 0xff00, 0xff}
	if f.bits == 16 {
		masks = [4]uint32{0x7c00, 0x3e0, 0x1f}
	}
	usual := masks
	var b [16]byte // after the oldest header, or in its extension: the same place
	n, _ := file.ReadAt(b[:], bmpFileHead+bmpInfo)
	hasAlpha := size >= 56 || f.compression == bmpAlphaFields
	for k := range masks {
		if mask := binary.LittleEndian.Uint32(b[4*k:]); n >= 4*k+4 && (k < 3 && f.compression != bmpNone || k == 3 && hasAlpha) {
			masks[k] = mask
		}
	}
	if masks[0]|masks[1]|masks[2] == 0 {
		copy(masks[:3], usual[:3]) // as other readers interpret what would be black
	}
	for k, mask := range masks {
		shift := bits.TrailingZeros32(mask)
		if top := mask >> (shift & 31); top&(top+1) != 0 {
			return unsupported(BMP, "a channel of scattered bits (%#x)", mask)
		}
		if mask != 0 {
			f.fields[k] = bmpField{shift, mask >> shift}
		}
	}
	if f.bits == 24 && masks != usual {
		return unsupported(BMP, "24 bits a pixel and channels in an unusual order")
	}
	f.kind.alpha = f.fields[3].top > 0
	return nil
}

// findAlpha searches the pixels for alpha. Many writers announce alpha but leave it 0
// everywhere, which means an opaque picture.
func (f *bmpFile) findAlpha(file io.ReaderAt) error {
	rows := &bmpRows{bmpFile: f, file: file}
	row := make([]byte, f.kind.w*f.kind.pixelBytes())
	for range f.kind.h {
		if err := rows.next(row); err != nil {
			return err
		}
		for i := 3; i < len(row); i += 4 {
			if row[i] != 0 {
				return nil
			}
		}
	}
	f.kind.alpha = false
	return nil
}

// bmpRows reads rows from the top, in whatever order they are stored.
type bmpRows struct {
	*bmpFile
	file io.ReaderAt
	y    int
	raw  []byte
}

func (r *bmpRows) next(dst []byte) error {
	if r.raw == nil {
		r.raw = make([]byte, r.stride)
	}
	y := r.y
	if !r.topDown {
		y = r.kind.h - 1 - y
	}
	r.y++
	if n, err := r.file.ReadAt(r.raw, r.offset+int64(y)*r.stride); n < len(r.raw) {
		return err
	}
	r.unpack(dst, r.raw)
	return nil
}

// unpack writes a row of pixels in packed's form.
func (f *bmpFile) unpack(dst, row []byte) {
	step := f.kind.pixelBytes()
	for x := range f.kind.w {
		pixel := dst[x*step : (x+1)*step]
		switch f.bits {
		case 24:
			pixel[0], pixel[1], pixel[2] = row[3*x+2], row[3*x+1], row[3*x]
		case 16, 32:
			v := uint32(binary.LittleEndian.Uint16(row[x*f.bits/8:]))
			if f.bits == 32 {
				v = binary.LittleEndian.Uint32(row[4*x:])
			}
			for k := range pixel {
				pixel[k] = f.fields[k].value(v)
			}
		default:
			i := 3 * bitsAt(row, x, f.bits)
			copy(pixel, f.palette[i:i+3])
		}
	}
}

func openBMP(file File, limits Limits) (o opened, err error) {
	f, err := readBMP(file, limits)
	if err != nil {
		return o, err
	}
	o = opened{shape: f.kind, turn: upright, streams: !f.runs(), decode: func() (*Image, error) { return f.decode(file, limits) }}
	if f.runs() {
		o.bytes = f.kind.bytes() + int64(f.kind.w)*int64(f.kind.h) // the indices
	}
	meter := limits.meter()
	meter.take(f.colour.n)
	o.metadata = meter.used
	return o, nil
}

func (f *bmpFile) decode(file File, limits Limits) (*Image, error) {
	src, err := streamed(f.kind, limits, !f.runs(), func() (rowReader, error) {
		if !f.runs() {
			return &bmpRows{bmpFile: f, file: file}, nil
		}
		expanded := *f
		expanded.bits, expanded.stride, expanded.offset = 8, int64(f.kind.w), 0
		indices, err := f.expandRuns(file)
		return &bmpRows{bmpFile: &expanded, file: bytes.NewReader(indices)}, err
	})
	if err != nil {
		return nil, err
	}
	m := newImage(BMP, src, upright)
	m.Meta.Resolution = fromMetre(uint32(max(f.perMetre[0], 0)), uint32(max(f.perMetre[1], 0)))
	meter := limits.meter()
	m.adoptICC(f.colour.profile(file, meter))
	m.Notes = slices.Concat(m.Notes, f.colour.notes, meter.notes())
	if !f.runs() { // the end of run lengths is only known after decoding
		m.Behind.look(from(file, f.end()))
	}
	return m, nil
}

// end returns where the pixels, and a profile after them, end.
func (f *bmpFile) end() int64 {
	return max(f.offset+f.stride*int64(f.kind.h), f.colour.at+f.colour.n)
}
