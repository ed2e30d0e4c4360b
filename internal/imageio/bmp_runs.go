package imageio

import (
	"bufio"
	"cmp"
	"io"
	"math"
)

// runs reports whether rows can only be read by decoding all before them.
func (f *bmpFile) runs() bool { return f.compression == bmpRLE8 || f.compression == bmpRLE4 }

// expandRuns decodes run lengths into palette indices of one byte each, rows in the
// order of the file. Skipped pixels have colour 0. The end mark may be missing if all
// rows are there.
func (f *bmpFile) expandRuns(file io.ReaderAt) ([]byte, error) {
	in := bufio.NewReader(io.NewSectionReader(file, f.offset, math.MaxInt64-f.offset))
	var failed error // the first time
	next := func() byte {
		c, err := in.ReadByte()
		failed = cmp.Or(failed, err)
		return c
	}
	w, h := f.kind.w, f.kind.h
	indices := make([]byte, w*h)
	x, y := 0, 0
	put := func(v byte, i int) { // index i of a run of v
		if x < w && y < h {
			indices[y*w+x] = v >> (8 - f.bits - i*f.bits%8) & (1<<f.bits - 1)
		}
		x++
	}
	for y <= h {
		n, v := next(), next()
		switch {
		case failed != nil && (y == h || y == h-1 && x >= w):
			return indices, nil
		case failed != nil:
			return nil, failed
		case n > 0:
			for i := range int(n) {
				put(v, i)
			}
		case v == 0: // end of line
			x, y = 0, y+1
		case v == 1: // end of picture
			return indices, nil
		case v == 2: // skip
			x, y = x+int(next()), y+int(next())
		default: // so many uncompressed indices, padded to two bytes
			var b byte
			for i := range int(v) {
				if i*f.bits%8 == 0 {
					b = next()
				}
				put(b, i)
			}
			if (int(v)*f.bits+7)/8%2 == 1 {
				next()
			}
		}
	}
	return nil, damaged(BMP, "its run lengths have too many rows")
}
