package imageio

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/bits"

	"golang.org/x/image/tiff/lzw"
)

// tiffRows reads a page's rows from the top, in packed's form. Strips are decompressed
// row by row, tiles one row of tiles at a time.
type tiffRows struct {
	*tiffPage
	y    int
	in   []io.Reader // of the chunk being read: one, or one for each plane
	raw  [][]byte    // a row of each
	band []byte      // the current row of tiles, unpacked
}

func newTIFFRows(p *tiffPage) *tiffRows {
	t := &tiffRows{tiffPage: p, in: make([]io.Reader, p.planes()), raw: make([][]byte, p.planes())}
	for k := range t.raw {
		t.raw[k] = make([]byte, p.rowBytes())
	}
	if p.tiled {
		t.band = make([]byte, p.bandBytes())
	}
	return t
}

// bandBytes returns the memory that reading takes in addition to the pixels.
func (p *tiffPage) bandBytes() int {
	if !p.tiled {
		return 0
	}
	return min(p.chunkH, p.h) * p.w * p.pixelBytes()
}

func (t *tiffRows) next(dst []byte) (err error) {
	inChunk := t.y % t.chunkH
	switch {
	case t.tiled && inChunk == 0:
		err = t.fill(t.y / t.chunkH)
	case inChunk == 0:
		err = t.open(0, t.y/t.chunkH)
	}
	if err == nil && t.tiled {
		copy(dst, t.band[inChunk*len(dst):])
	} else if err == nil {
		err = t.row(dst, t.w)
	}
	t.y++
	return err
}

// fill unpacks a row of tiles.
func (t *tiffRows) fill(cy int) error {
	step := t.pixelBytes()
	for cx := range t.across {
		if err := t.open(cx, cy); err != nil {
			return err
		}
		x, n := cx*t.chunkW, min(t.chunkW, t.w-cx*t.chunkW)
		for y := range min(t.chunkH, t.h-cy*t.chunkH) {
			if err := t.row(t.band[(y*t.w+x)*step:][:n*step], n); err != nil {
				return err
			}
		}
	}
	return nil
}

// open begins the chunk in column cx and row cy, in each plane that matters.
func (t *tiffRows) open(cx, cy int) (err error) {
	for plane := range t.in {
		if t.planar && plane >= t.stored() && plane != t.alphaAt {
			continue // an extra channel that is dropped
		}
		i := (int64(plane)*int64(t.down)+int64(cy))*int64(t.across) + int64(cx)
		if t.in[plane], err = t.chunk(i); err != nil {
			return dataError(TIFF, err)
		}
	}
	return nil
}

// chunk decompresses strip or tile i.
func (t *tiffRows) chunk(i int64) (io.Reader, error) {
	offset, err := t.at(t.offsets, i)
	if err != nil {
		return nil, err
	}
	size := int64(0)
	if t.counts.count > 0 {
		if size, err = t.at(t.counts, i); err != nil {
			return nil, err
		}
	}
	switch {
	case offset == 0:
		return nil, fmt.Errorf("strip or tile %d is missing", i)
	case size == 0: // unknown; what is read ends by itself
		size = math.MaxInt64 - offset
	}
	var in io.Reader = bufio.NewReader(io.NewSectionReader(t.r, offset, size))
	const lowFirst = 2
	if t.value(tagFillOrder, 1) == lowFirst {
		in = bufio.NewReader(bitReverser{in})
	}
	switch t.compression {
	case tiffLZW:
		if b, err := in.(*bufio.Reader).Peek(2); err == nil && b[0] == 0 && b[1]&1 == 1 {
			return nil, unsupported(TIFF, "LZW compression as before version 5")
		}
		return lzw.NewReader(in, lzw.MSB, 8), nil
	case tiffDeflate, tiffOldDeflate:
		return zlib.NewReader(in)
	case tiffPackBits:
		return packBits(in.(*bufio.Reader)), nil
	case tiffGroup3, tiffGroup4:
		return t.faxRows(in.(*bufio.Reader)), nil
	case tiffJPEG:
		return t.jpegChunk(in)
	}
	return in, nil
}

// row reads a chunk's next row and unpacks its first n pixels.
func (t *tiffRows) row(dst []byte, n int) error {
	for k, in := range t.in {
		if in == nil {
			continue
		}
		if _, err := io.ReadFull(in, t.raw[k]); err != nil {
			return dataError(TIFF, err)
		}
		if t.predicted {
			t.undoPredictor(t.raw[k])
		}
	}
	t.unpack(dst, n)
	return nil
}

// undoPredictor adds up a row of differences (TIFF 6.0, section 14).
func (t *tiffRows) undoPredictor(row []byte) {
	step := t.inRow()
	switch t.bits {
	case 8:
		for i := step; i < len(row); i++ {
			row[i] += row[i-step]
		}
	case 16:
		for i := 2 * step; i+1 < len(row); i += 2 {
			t.order.PutUint16(row[i:], t.order.Uint16(row[i:])+t.order.Uint16(row[i-2*step:]))
		}
	default:
		for i := 4 * step; i+3 < len(row); i += 4 {
			t.order.PutUint32(row[i:], t.order.Uint32(row[i:])+t.order.Uint32(row[i-4*step:]))
		}
	}
}

// unpack writes n pixels of the rows in raw in packed's form.
func (t *tiffRows) unpack(dst []byte, n int) {
	step, size := t.pixelBytes(), t.depth/8
	switch t.photometric {
	case tiffPalette:
		for x := range n {
			i := bitsAt(t.raw[0], x*t.inRow(), t.bits)
			copy(dst[x*step:x*step+3], t.palette[3*i:3*i+3])
		}
	case tiffInks:
		t.unpackInks(dst, n)
	default:
		for c := range t.colours() {
			t.spread(dst[c*size:], step, c, n)
		}
	}
	if t.photometric == tiffWhiteIsZero {
		for x := range n {
			for k := range size {
				dst[x*step+k] ^= 0xff
			}
		}
	}
	if t.alpha {
		t.spread(dst[t.colours()*size:], step, t.alphaAt, n)
	}
}

// spread writes sample k of n pixels to every step-th byte of dst.
func (t *tiffRows) spread(dst []byte, step, k, n int) {
	src, every := t.raw[0], t.inRow()
	if t.planar {
		src, k = t.raw[k], 0
	}
	switch t.bits {
	case 8:
		for x := range n {
			dst[x*step] = src[x*every+k]
		}
	case 16:
		for x := range n {
			binary.BigEndian.PutUint16(dst[x*step:], t.order.Uint16(src[2*(x*every+k):]))
		}
	case 32:
		for x := range n { // of the high bits, which are written in either order
			binary.BigEndian.PutUint16(dst[x*step:], uint16(t.order.Uint32(src[4*(x*every+k):])>>16))
		}
	default:
		full, top := uint32(1)<<t.depth-1, uint32(1)<<t.bits-1
		for x := range n {
			v := (bitsAt(src, x*every+k, t.bits)*full + top/2) / top
			if t.depth == 8 {
				dst[x*step] = uint8(v)
			} else {
				binary.BigEndian.PutUint16(dst[x*step:], uint16(v))
			}
		}
	}
}

// bitsAt returns sample i of a row of n ≤ 16 bits each, the first ones in the high
// bits.
func bitsAt(row []byte, i, n int) uint32 {
	at, v := i*n, uint32(0)
	for k := range 3 {
		v <<= 8
		if j := at/8 + k; j < len(row) {
			v |= uint32(row[j])
		}
	}
	return v >> (24 - n - at%8) & (1<<n - 1)
}

// bitReverser reverses the bits of each byte: FillOrder 2.
type bitReverser struct{ in io.Reader }

func (r bitReverser) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	for i, b := range p[:n] {
		p[i] = bits.Reverse8(b)
	}
	return n, err
}

// pieces reads what next decodes piece by piece.
type pieces struct {
	next func() ([]byte, error)
	left []byte // of the current piece
}

func (p *pieces) Read(dst []byte) (n int, err error) {
	for len(p.left) == 0 {
		if p.left, err = p.next(); err != nil {
			return 0, err
		}
	}
	n = copy(dst, p.left)
	p.left = p.left[n:]
	return n, nil
}

// packBits decodes run lengths (TIFF 6.0, section 9).
func packBits(in *bufio.Reader) io.Reader {
	var buf [128]byte
	return &pieces{next: func() (run []byte, err error) {
		c, err := in.ReadByte()
		if err != nil {
			return nil, err
		}
		switch l := int(int8(c)); {
		case l >= 0:
			run = buf[:l+1]
			_, err = io.ReadFull(in, run)
		case l > -128:
			c, err = in.ReadByte()
			run = bytes.Repeat([]byte{c}, 1-l)
		}
		return run, err
	}}
}
