package imageio

import (
	"bufio"
	"bytes"
	"io"
)

// jpegChunk decodes a strip or tile compressed as JPEG (TIFF Technical Note 2) to the rows
// of an uncompressed one. Its tables may be in the directory.
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
	n := t.inRow()
	if len(d.comps) != n || d.w != t.chunkW {
		return nil, damaged(TIFF, "a strip or tile in JPEG is %d pixels wide in %d channels, and should be %d in %d",
			d.w, len(d.comps), t.chunkW, n)
	}
	c := &chroma{comps: d.comps, mixed: t.photometric == tiffYCbCr}
	planes, row, y := make([][]uint8, n), make([]byte, d.w*n), 0
	for k := range planes {
		planes[k] = make([]uint8, d.w)
	}
	return &pieces{next: func() ([]byte, error) {
		if y == d.h {
			return nil, io.EOF
		}
		c.line(planes, 0, y)
		for k, plane := range planes {
			for x, v := range plane {
				row[x*n+k] = v
			}
		}
		y++
		return row, nil
	}}, nil
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
