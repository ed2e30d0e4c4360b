package imageio

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"
	"math/bits"
	"slices"
)

// What is read, by number; the rest is refused by name.
const (
	bmpNone, bmpRLE8, bmpRLE4, bmpFields, bmpAlphaFields = 0, 1, 2, 3, 6

	bmpFileHead, bmpCore, bmpInfo = 14, 12, 40 // lengths of headers
)

var bmpCompressions = map[uint32]string{4: "JPEG or 24-bit run-length compression", 5: "PNG compression",
	11: "CMYK colour", 12: "CMYK colour", 13: "CMYK colour"}

// bmpMagic is how BMPs begin: any length and reserved bytes, then the length of a
// header that is read; or no reserved bytes, to be refused by that length.
var bmpMagic = []string{
	"BM............\x0c\x00\x00\x00", "BM............\x28\x00\x00\x00", "BM............\x34\x00\x00\x00",
	"BM............\x38\x00\x00\x00", "BM............\x40\x00\x00\x00", "BM............\x6c\x00\x00\x00",
	"BM............\x7c\x00\x00\x00", "BM....\x00\x00\x00\x00",
}

// bmpFile is a BMP's header.
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
}

// bmpField is where in a pixel a sample is.
type bmpField struct {
	shift int
	top   uint32 // the largest value; 0 for no field
}

func (f bmpField) value(pixel uint32) byte {
	if f.top == 0 {
		return 0
	}
	v := uint64(pixel >> f.shift & f.top)
	return byte((v*255 + uint64(f.top)/2) / uint64(f.top))
}

// readBMP reads and checks the header.
func readBMP(file io.ReaderAt, limits Limits) (*bmpFile, error) {
	var head [bmpFileHead + 124]byte
	n, err := file.ReadAt(head[:], 0)
	if n < bmpFileHead+bmpCore {
		return nil, cut(err)
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
	if f.bits <= 8 {
		return f, f.readPalette(file, size, colours)
	}
	if f.bits != 24 {
		return f, f.readFields(file, size)
	}
	return f, nil
}

// check names the variants that are not read.
func (f *bmpFile) check(size int) error {
	if what := bmpCompressions[f.compression]; what != "" || f.compression == bmpFields && size == 64 {
		if what == "" {
			what = "Huffman compression"
		}
		return unsupported(BMP, "%s", what)
	}
	allowed := map[uint32][]int{bmpNone: {1, 2, 4, 8, 16, 24, 32}, bmpRLE8: {8}, bmpRLE4: {4}, bmpFields: {16, 32}, bmpAlphaFields: {16, 32}}
	if !slices.Contains(allowed[f.compression], f.bits) {
		return unsupported(BMP, "%d bits a pixel and compression %d", f.bits, f.compression)
	}
	if f.topDown && (f.compression == bmpRLE8 || f.compression == bmpRLE4) {
		return damaged(BMP, "its run lengths go from top to bottom")
	}
	return nil
}

// readPalette reads as many colours as there is room for; others are black.
func (f *bmpFile) readPalette(file io.ReaderAt, size int, colours uint32) error {
	entry, n := 4, 1<<f.bits
	if size == bmpCore {
		entry = 3
	} else if colours > 0 {
		n = int(min(int64(colours), int64(n)))
	}
	data := make([]byte, entry*n)
	got, err := file.ReadAt(data, int64(bmpFileHead+size))
	if got < len(data) {
		return cut(err)
	}
	for i := range n {
		b := data[entry*i:]
		f.palette[3*i], f.palette[3*i+1], f.palette[3*i+2] = b[2], b[1], b[0]
	}
	return nil
}

// readFields finds the samples in pixels of 16 or 32 bits. Many writers announce
// alpha and leave it 0 everywhere: they mean an opaque picture.
func (f *bmpFile) readFields(file io.ReaderAt, size int) error {
	masks := [4]uint32{0xff0000, 0xff00, 0xff}
	if f.bits == 16 {
		masks = [4]uint32{0x7c00, 0x3e0, 0x1f}
	}
	var b [16]byte // behind the oldest header, or in its extension: at the same place
	n, _ := file.ReadAt(b[:], bmpFileHead+bmpInfo)
	hasAlpha := size >= 56 || f.compression == bmpAlphaFields
	for k := range masks {
		if mask := binary.LittleEndian.Uint32(b[4*k:]); n >= 4*k+4 && (k < 3 && f.compression != bmpNone || k == 3 && hasAlpha) {
			masks[k] = mask
		}
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
	if f.fields[3].top == 0 {
		return nil
	}
	f.kind.alpha = true
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

// bmpRows reads rows from the top, wherever they are.
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
		return cut(err)
	}
	r.unpack(dst, r.raw, r.bits)
	return nil
}

// unpack writes a row of pixels as packed holds them.
func (f *bmpFile) unpack(dst, row []byte, depth int) {
	step := f.kind.pixelBytes()
	for x := range f.kind.w {
		pixel := dst[x*step : (x+1)*step]
		switch depth {
		case 24:
			pixel[0], pixel[1], pixel[2] = row[3*x+2], row[3*x+1], row[3*x]
		case 16, 32:
			v := uint32(binary.LittleEndian.Uint16(row[x*depth/8:]))
			if depth == 32 {
				v = binary.LittleEndian.Uint32(row[4*x:])
			}
			for k := range pixel {
				pixel[k] = f.fields[k].value(v)
			}
		default:
			i := 3 * subByte(row, x, uint8(depth))
			copy(pixel, f.palette[i:i+3])
		}
	}
}

// probeBMP reads a BMP's header.
func probeBMP(r io.ReadSeeker, limits Limits) (s shape, p Probe, turn orientation, err error) {
	file, err := section(r)
	if err != nil {
		return s, p, upright, err
	}
	f, err := readBMP(file, limits)
	if err != nil {
		return s, p, upright, err
	}
	p.Streams = !f.runs()
	if f.runs() {
		p.Bytes = f.kind.bytes() + int64(f.kind.w)*int64(f.kind.h) // the indices
	}
	return f.kind, p, upright, nil
}

// decodeBMP reads a BMP.
func decodeBMP(r io.ReadSeeker, limits Limits) (*Image, error) {
	file, err := section(r)
	if err != nil {
		return nil, err
	}
	f, err := readBMP(file, limits)
	if err != nil {
		return nil, err
	}
	open := func() (rowReader, error) { return &bmpRows{bmpFile: f, file: file}, nil }
	if f.runs() {
		open = func() (rowReader, error) { return f.expandRuns(file) }
	}
	src, err := streamed(f.kind, limits, !f.runs(), open)
	if err != nil {
		return nil, err
	}
	m := newImage(BMP, src, upright)
	m.Meta.Resolution = fromMetre(uint32(max(f.perMetre[0], 0)), uint32(max(f.perMetre[1], 0)))
	return m, nil
}

// runs tells whether rows are only to be had by decoding all before them.
func (f *bmpFile) runs() bool { return f.compression == bmpRLE8 || f.compression == bmpRLE4 }

// bmpIndices are the indices of a picture that was stored as run lengths.
type bmpIndices struct {
	*bmpFile
	index []byte // a byte a pixel, from the top
}

func (r *bmpIndices) next(dst []byte) error {
	r.unpack(dst, r.index[:r.kind.w], 8)
	r.index = r.index[r.kind.w:]
	return nil
}

// expandRuns decodes run lengths. What they skip has colour 0.
func (f *bmpFile) expandRuns(file io.ReaderAt) (rowReader, error) {
	in := &byteReader{in: bufio.NewReader(io.NewSectionReader(file, f.offset, math.MaxInt64-f.offset))}
	w, h := f.kind.w, f.kind.h
	index := make([]byte, w*h)
	x, y := 0, 0
	put := func(v byte) {
		if x < w && y < h {
			index[(h-1-y)*w+x] = v
		}
		x++
	}
	for y <= h {
		n, v := in.next(), in.next()
		switch {
		case in.err != nil:
			return nil, cut(in.err)
		case n > 0:
			for i := range int(n) {
				put(f.nibble(v, i))
			}
		case v == 0: // end of line
			x, y = 0, y+1
		case v == 1: // end of picture
			return &bmpIndices{f, index}, nil
		case v == 2: // skip
			x, y = x+int(in.next()), y+int(in.next())
		default:
			f.literal(in, int(v), put)
		}
	}
	return nil, damaged(BMP, "its run lengths have too many rows")
}

// literal reads n indices as they stand, padded to two bytes.
func (f *bmpFile) literal(in *byteReader, n int, put func(byte)) {
	size := n
	if f.compression == bmpRLE4 {
		size = (n + 1) / 2
	}
	for k := range size + size%2 {
		b := in.next()
		switch {
		case k >= size:
		case f.compression == bmpRLE8:
			put(b)
		default:
			put(b >> 4)
			if 2*k+1 < n {
				put(b & 15)
			}
		}
	}
}

// nibble is index i of a run of v.
func (f *bmpFile) nibble(v byte, i int) byte {
	switch {
	case f.compression == bmpRLE8:
		return v
	case i%2 == 0:
		return v >> 4
	}
	return v & 15
}

// byteReader reads single bytes and remembers its first error.
type byteReader struct {
	in  io.ByteReader
	err error
}

func (b *byteReader) next() byte {
	c, err := b.in.ReadByte()
	if b.err == nil {
		b.err = err
	}
	return c
}
