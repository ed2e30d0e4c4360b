package imageio

import (
	"bufio"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

func openPNG(file File, limits Limits) (o opened, err error) {
	f, err := scanPNG(file, limits)
	if err != nil {
		return o, err
	}
	return opened{shape: f.shape(), turn: f.turn, metadata: f.meter.used, streams: !f.header.interlaced && f.turn <= 2,
		decode: func() (*Image, error) { return f.decode(file, limits) }}, nil
}

// decode reads the picture. A large one may be decoded while it is used, unless it is
// interlaced.
func (f *pngFile) decode(file File, limits Limits) (m *Image, err error) {
	if f.end > 0 {
		f.Behind.look(from(file, f.end))
	}
	var src raster
	if f.header.interlaced {
		src, err = f.interlaced(file)
	} else {
		src, err = streamed(f.shape(), limits, f.turn <= 2, func() (rowReader, error) { return newPNGRows(file, f) })
	}
	if err != nil {
		return nil, err
	}
	m = newImage(PNG, src, f.turn)
	m.Meta, m.Notes, m.Behind = f.Meta, f.Notes, f.Behind
	return m, nil
}

// pngRows reads the rows of a PNG, or of one pass over it, in packed's form.
type pngRows struct {
	f         *pngFile
	w         int // of the rows
	idat      *idatReader
	z         io.ReadCloser
	cur, prev []byte // a row with its filter before it
	left      int    // remaining rows
}

func newPNGRows(file File, f *pngFile) (*pngRows, error) {
	idat := &idatReader{r: bufio.NewReaderSize(from(file, f.idat), 1<<16)}
	z, err := zlib.NewReader(idat)
	if err != nil {
		return nil, dataError(PNG, err)
	}
	p := &pngRows{f: f, z: z, idat: idat, left: f.header.h}
	p.begin(f.header.w)
	return p, nil
}

// begin prepares for rows of w pixels, the first of which has none above.
func (p *pngRows) begin(w int) {
	n := 1 + p.f.header.rowBytes(w)
	p.w, p.cur, p.prev = w, make([]byte, n), make([]byte, n)
}

// passes are Adam7's passes (section 8.1): the first pixel and the distances.
var passes = [7]struct{ x, y, dx, dy int }{
	{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
}

// interlaced reads a PNG's seven passes.
func (f *pngFile) interlaced(file File) (*packed, error) {
	rows, err := newPNGRows(file, f)
	if err != nil {
		return nil, err
	}
	p := newPacked(f.shape(), f.header.h)
	rows.left = 0 // the last row is not known
	line := make([]byte, p.stride)
	for _, pass := range passes {
		w, h := (f.header.w-pass.x+pass.dx-1)/pass.dx, (f.header.h-pass.y+pass.dy-1)/pass.dy
		if w == 0 {
			continue // a pass without pixels has no filters either
		}
		rows.begin(w)
		for y := range h {
			if err := rows.next(line[:w*p.step]); err != nil {
				return nil, err
			}
			row := p.row(pass.y + y*pass.dy)
			for x := range w {
				copy(row[(pass.x+x*pass.dx)*p.step:], line[x*p.step:(x+1)*p.step])
			}
		}
	}
	return p, rows.finish()
}

func (p *pngRows) next(dst []byte) error {
	p.cur, p.prev = p.prev, p.cur
	if _, err := io.ReadFull(p.z, p.cur); err != nil {
		return dataError(PNG, err)
	}
	h := p.f.header
	step := max(1, h.channels()*int(h.depth)/8)
	if !unfilter(p.cur[0], p.cur[1:], p.prev[1:], step) {
		return damaged(PNG, "a row has the unknown filter %d", p.cur[0])
	}
	if p.left--; p.left == 0 {
		if err := p.finish(); err != nil {
			return err
		}
	}
	return p.f.expand(dst, p.cur[1:], p.w)
}

// finish reads to the end of the stream and of its chunk, which verifies both
// checksums.
func (p *pngRows) finish() error {
	_, err := p.z.Read(make([]byte, 1))
	if err == nil || errors.Is(err, io.EOF) {
		_, err = io.CopyN(io.Discard, p.idat, int64(p.idat.left))
	}
	if err == nil {
		err = p.idat.checkSum()
	}
	if err != nil {
		return dataError(PNG, err)
	}
	return nil
}

// unfilter undoes the filters of section 9.2; step is the distance to the pixel on the
// left, in bytes.
func unfilter(filter byte, cur, prev []byte, step int) bool {
	prev = prev[:len(cur)]
	switch filter {
	case 0:
	case 1:
		for i := step; i < len(cur); i++ {
			cur[i] += cur[i-step]
		}
	case 2:
		for i, b := range prev {
			cur[i] += b
		}
	case 3:
		for i := range step {
			cur[i] += prev[i] / 2
		}
		for i := step; i < len(cur); i++ {
			cur[i] += uint8((int(cur[i-step]) + int(prev[i])) / 2)
		}
	case 4:
		for i := range step {
			cur[i] += prev[i]
		}
		for i := step; i < len(cur); i++ {
			cur[i] += paeth(cur[i-step], prev[i], prev[i-step])
		}
	default:
		return false
	}
	return true
}

// paeth returns the neighbour closest to left + up − upleft; ties in this order.
func paeth(left, up, upleft uint8) uint8 {
	// The distances from left + up − upleft to each.
	toLeft, toUp := int(up)-int(upleft), int(left)-int(upleft)
	both := abs(toLeft + toUp)
	toLeft, toUp = abs(toLeft), abs(toUp)
	switch {
	case toLeft <= toUp && toLeft <= both:
		return left
	case toUp <= both:
		return up
	}
	return upleft
}

func abs(v int) int { return max(v, -v) }

// idatReader joins the data of consecutive IDAT chunks.
type idatReader struct {
	r     *bufio.Reader
	left  uint32 // of the current chunk
	crc   uint32
	begun bool
}

func (d *idatReader) Read(p []byte) (int, error) {
	for d.left == 0 {
		if err := d.nextChunk(); err != nil {
			return 0, err
		}
	}
	n, err := d.r.Read(p[:min(len(p), int(d.left))])
	d.left -= uint32(n)
	d.crc = crc32.Update(d.crc, crc32.IEEETable, p[:n])
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (d *idatReader) checkSum() error {
	var b [4]byte
	if _, err := io.ReadFull(d.r, b[:]); err != nil {
		return io.ErrUnexpectedEOF
	}
	if binary.BigEndian.Uint32(b[:]) != d.crc {
		return errors.New("a chunk's checksum is wrong") // which the inflater passes on
	}
	return nil
}

func (d *idatReader) nextChunk() error {
	if d.begun {
		if err := d.checkSum(); err != nil {
			return err
		}
	}
	var b [8]byte
	if _, err := io.ReadFull(d.r, b[:]); err != nil || string(b[4:]) != "IDAT" {
		return io.ErrUnexpectedEOF
	}
	d.begun, d.left, d.crc = true, binary.BigEndian.Uint32(b[:]), crc32.ChecksumIEEE(b[4:])
	return nil
}
