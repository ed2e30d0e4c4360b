package imageio

import (
	"bufio"
	"io"
	"math"
)

// runs reports whether rows can only be read by decoding all before them.
func (f *bmpFile) runs() bool { return f.compression == bmpRLE8 || f.compression == bmpRLE4 }

// bmpIndices are the palette indices of a picture stored as run lengths.
type bmpIndices struct {
	*bmpFile
	index []byte // one byte per pixel, from the top
}

func (r *bmpIndices) next(dst []byte) error {
	r.unpack(dst, r.index[:r.kind.w], 8)
	r.index = r.index[r.kind.w:]
	return nil
}

// expandRuns decodes run lengths. Skipped pixels have colour 0. The end mark may be
// missing if all rows are there.
func (f *bmpFile) expandRuns(file io.ReaderAt) (rowReader, error) {
	in := &byteReader{in: bufio.NewReader(io.NewSectionReader(file, f.offset, math.MaxInt64-f.offset))}
	w, h := f.kind.w, f.kind.h
	index := make([]byte, w*h)
	x, y := 0, 0
	put := func(v byte) {
		if x < w && y < h {
			row := y
			if !f.topDown {
				row = h - 1 - y
			}
			index[row*w+x] = v
		}
		x++
	}
	for y <= h {
		n, v := in.next(), in.next()
		switch {
		case in.err != nil && (y == h || y == h-1 && x >= w):
			return &bmpIndices{f, index}, nil
		case in.err != nil:
			return nil, in.err
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

// literal reads n uncompressed indices, padded to two bytes.
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

// nibble returns index i of a run of v.
func (f *bmpFile) nibble(v byte, i int) byte {
	switch {
	case f.compression == bmpRLE8:
		return v
	case i%2 == 0:
		return v >> 4
	}
	return v & 15
}

// byteReader reads single bytes and records its first error.
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
