package imageio

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
)

// jpegDecoder decodes baseline and progressive JPEGs of eight bits (T.81) into the
// planes of their components.
type jpegDecoder struct {
	in          *bufio.Reader
	w, h        int
	progressive bool
	comps       []jpegComponent
	mcuW, mcuH  int // samples of an interleaved unit: 8 times the largest factors
	quant       [4]*[64]uint16
	dc, ac      [4]*huffmanTable
	restart     int // units between restart markers, 0 for none
	jfif        bool
	adobe       int // the transform in Adobe's marker, −1 for none

	maxW, maxH int // the largest size; 0 if it was checked before

	bits   entropyReader
	eobRun int // following blocks without coefficients
	scans  int
}

// maxScans is far more than any encoder makes: each scan costs a pass over all blocks,
// and may be only a few bytes long.
const maxScans = 500

// jpegComponent is one channel of the frame.
type jpegComponent struct {
	id, tq byte
	hs, vs int // sampling factors
	dx, dy int // subsampling factors
	w, h   int // samples that belong to the picture

	wide, high int         // in blocks, whole units
	plane      []uint8     // wide·8 samples per row
	coef       [][64]int16 // of a progressive picture
	missing    [64]uint8   // for each coefficient, the bits that no scan has supplied yet
	seen       bool        // in some scan
	pred       int32
}

func (c *jpegComponent) stride() int { return 8 * c.wide }

func newJPEGDecoder(in *bufio.Reader) *jpegDecoder {
	d := &jpegDecoder{in: in, bits: entropyReader{in: in}, adobe: -1}
	for _, s := range huffmanSpecs { // MJPEG frames leave them out
		d.tables(s.class)[s.id] = newHuffmanTable(s.counts[:], s.values)
	}
	return d
}

// decode decodes the picture at the beginning of in, and leaves in after its end.
func (d *jpegDecoder) decode() error {
	for {
		marker, err := d.marker()
		if errors.Is(err, io.EOF) && d.complete() && !d.progressive {
			return nil // without an end marker, so no scan can be missing
		}
		if err != nil {
			return err
		}
		switch {
		case marker == markerEOI:
			if !d.complete() {
				return io.ErrUnexpectedEOF
			}
			return d.finish()
		case bare(marker):
			continue
		}
		data, err := d.segment()
		if err != nil {
			return err
		}
		if err := d.take(marker, data); err != nil {
			return err
		}
	}
}

// complete reports whether every component appeared in a scan. Only the end marker
// shows whether a progressive picture is complete.
func (d *jpegDecoder) complete() bool {
	return len(d.comps) > 0 && !slices.ContainsFunc(d.comps, func(c jpegComponent) bool { return !c.seen })
}

// marker goes to the next marker, which a scan may already have read.
func (d *jpegDecoder) marker() (byte, error) {
	if m := d.bits.marker; m != 0 {
		d.bits.reset()
		return m, nil
	}
	d.bits.reset()
	return nextMarker(d.in)
}

// segment reads the data of a marker.
func (d *jpegDecoder) segment() ([]byte, error) {
	n, err := segmentLength(d.in)
	if err != nil {
		return nil, err
	}
	data := make([]byte, n)
	_, err = io.ReadFull(d.in, data)
	return data, err
}

// take processes a segment.
func (d *jpegDecoder) take(marker byte, data []byte) error {
	switch marker {
	case 0xc0, 0xc1, 0xc2:
		d.progressive = marker == 0xc2
		return d.startFrame(data)
	case 0xc4:
		return d.defineHuffman(data)
	case 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf, markerLS: // unsupported kinds of frames
		return (&jpegHead{sof: marker, frame: data}).check()
	case 0xdb:
		return d.defineQuant(data)
	case 0xdd:
		if len(data) < 2 {
			return damaged(JPEG, "its restart interval has %d bytes", len(data))
		}
		d.restart = int(binary.BigEndian.Uint16(data))
	case markerSOS:
		return d.scan(data)
	case markerAPP0:
		d.jfif = d.jfif || len(data) >= len(jfifHead) && string(data[:len(jfifHead)]) == jfifHead
	case markerAPP14:
		if len(data) >= 12 && string(data[:5]) == "Adobe" {
			d.adobe = int(data[11])
		}
	}
	return nil
}

const markerAPP14 = 0xee

func (d *jpegDecoder) defineQuant(data []byte) error {
	for len(data) > 0 {
		id, size := data[0]&15, 1+int(data[0]>>4)
		if id > 3 || size > 2 || len(data) < 1+64*size {
			return damaged(JPEG, "a quantisation table is broken")
		}
		q := &[64]uint16{}
		for k, natural := range zigzag {
			if size == 1 {
				q[natural] = uint16(data[1+k])
			} else {
				q[natural] = binary.BigEndian.Uint16(data[1+2*k:])
			}
		}
		d.quant[id], data = q, data[1+64*size:]
	}
	return nil
}

// tables returns those of a class: 0 for DC, 1 for AC.
func (d *jpegDecoder) tables(class uint8) *[4]*huffmanTable {
	if class == 0 {
		return &d.dc
	}
	return &d.ac
}

func (d *jpegDecoder) defineHuffman(data []byte) error {
	for len(data) > 0 {
		n := 0
		for k := 1; k <= 16 && k < len(data); k++ {
			n += int(data[k])
		}
		class, id := data[0]>>4, data[0]&15
		if len(data) < 17+n || n > 256 || class > 1 || id > 3 {
			return damaged(JPEG, "a Huffman table is broken")
		}
		t := newHuffmanTable(data[1:17], data[17:17+n])
		if t == nil {
			return damaged(JPEG, "a Huffman table has too many codes")
		}
		d.tables(class)[id], data = t, data[17+n:]
	}
	return nil
}

// startFrame parses the frame header (T.81, B.2.2), which jpegHead.check has validated,
// and allocates its components.
func (d *jpegDecoder) startFrame(data []byte) error {
	if len(d.comps) > 0 {
		return damaged(JPEG, "it has two frames")
	}
	h := jpegHead{sof: 0xc0, frame: data, part: d.maxW > 0}
	if err := h.check(); err != nil {
		return err
	}
	s := h.shape()
	d.w, d.h = s.w, s.h
	if d.w == 0 || d.h == 0 {
		return noPixels(d.w, d.h)
	}
	if d.maxW > 0 && (d.w > d.maxW || d.h > d.maxH) {
		return damaged(JPEG, "it is %d×%d, but there is room for %d×%d", d.w, d.h, d.maxW, d.maxH)
	}
	hMax, vMax := h.factors()
	d.mcuW, d.mcuH = 8*hMax, 8*vMax
	for k := range h.components() {
		b := data[6+3*k:]
		c := jpegComponent{id: b[0], hs: int(b[1] >> 4), vs: int(b[1] & 15), tq: b[2]}
		c.dx, c.dy = hMax/c.hs, vMax/c.vs
		c.w, c.h = ceil(d.w, c.dx), ceil(d.h, c.dy)
		c.wide, c.high = ceil(d.w, d.mcuW)*c.hs, ceil(d.h, d.mcuH)*c.vs
		c.plane = make([]uint8, 64*c.wide*c.high)
		if d.progressive {
			c.coef = make([][64]int16, c.wide*c.high)
			for i := range c.missing {
				c.missing[i] = math.MaxUint8
			}
		}
		d.comps = append(d.comps, c)
	}
	return nil
}

func ceil(n, d int) int { return (n + d - 1) / d }

// finish converts a progressive picture's coefficients to samples.
func (d *jpegDecoder) finish() error {
	if !d.progressive {
		return nil
	}
	for k := range d.comps {
		c := &d.comps[k]
		if c.missing != [64]uint8{} {
			return errScansMissing
		}
		q, err := d.quantOf(c)
		if err != nil {
			return err
		}
		for i := range c.coef {
			d.put(c, i%c.wide, i/c.wide, &c.coef[i], q)
		}
		c.coef = nil
	}
	return nil
}

func (d *jpegDecoder) quantOf(c *jpegComponent) (*[64]uint16, error) {
	if c.tq > 3 || d.quant[c.tq] == nil {
		return nil, damaged(JPEG, "quantisation table %d is missing", c.tq)
	}
	return d.quant[c.tq], nil
}

// put writes the samples of the block in column x and row y.
func (*jpegDecoder) put(c *jpegComponent, x, y int, coef *[64]int16, q *[64]uint16) {
	inverseDCT(c.plane[8*y*c.stride()+8*x:], c.stride(), coef, q)
}
