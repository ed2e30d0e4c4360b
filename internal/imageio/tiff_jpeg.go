package imageio

import (
	"bufio"
	"bytes"
	"io"
)

// jpegRows returns the rows of a strip or tile compressed as JPEG (TIFF Technical Note
// 2) in uncompressed form.
type jpegRows struct {
	*chroma
	y      int
	planes [][]uint8 // a row of each component
	row    []byte    // interleaved
	left   []byte    // of row
}

// jpegChunk decodes a strip or tile. Its tables may be in the directory.
func (t *tiffRows) jpegChunk(in io.Reader) (io.Reader, error) {
	tables := t.data(tagJPEGTables)
	if end := bytes.LastIndex(tables, []byte{0xff, markerEOI}); end >= 0 {
		tables = tables[:end]
	}
	d := newJPEGDecoder(bufio.NewReader(io.MultiReader(bytes.NewReader(tables), in)))
	d.maxW, d.maxH = t.chunkW, t.chunkH
	if err := d.start(); err != nil {
		return nil, err
	}
	if err := d.decode(); err != nil {
		return nil, err
	}
	if n := t.inRow(); len(d.comps) != n || d.w != t.chunkW {
		return nil, damaged(TIFF, "a strip or tile in JPEG is %d pixels wide in %d channels, and should be %d in %d",
			d.w, len(d.comps), t.chunkW, n)
	}
	r := &jpegRows{chroma: &chroma{comps: d.comps, kind: shape{w: d.w, h: d.h}}, planes: make([][]uint8, len(d.comps)), row: make([]byte, d.w*len(d.comps))}
	r.mixed = t.photometric == tiffYCbCr
	for k := range r.planes {
		r.planes[k] = make([]uint8, d.w)
	}
	return r, nil
}

// jpegBytes returns the memory that decoding a strip or tile in JPEG takes: its samples
// in whole blocks, and coefficients of two bytes if it is progressive.
func (p *tiffPage) jpegBytes() int64 {
	if p.compression != tiffJPEG {
		return 0
	}
	const block, progressive = 32, 3
	return progressive * int64(p.samples) * int64(p.chunkW+block) * int64(p.chunkH+block)
}

func (r *jpegRows) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		if r.y == r.kind.h {
			return 0, io.EOF
		}
		r.line(r.planes, 0, r.y)
		for k, plane := range r.planes {
			for x, v := range plane {
				r.row[x*len(r.planes)+k] = v
			}
		}
		r.left, r.y = r.row, r.y+1
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}
