package imageio

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
)

// jpegDecoder decodes baseline and progressive JPEGs of eight bits (T.81) into the
// planes of their components.
type jpegDecoder struct {
	jpegHead
	in          *bufio.Reader
	w, h        int
	progressive bool
	comps       []jpegComponent
	mcuW, mcuH  int // samples of an interleaved unit: 8 times the largest factors
	quant       [4]*[64]uint16
	huffman     [2][4]*huffmanTable // by class: DC, AC
	restart     int                 // units between restart markers, 0 for none
	jfif        bool
	adobe       int // the transform in Adobe's marker, −1 for none

	maxW, maxH int // the largest size of a part of a TIFF; 0 for a whole file

	header []byte // of the first scan
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

// block returns the plane from the block in column x and row y.
func (c *jpegComponent) block(x, y int) []uint8 { return c.plane[8*y*c.stride()+8*x:] }

func newJPEGDecoder(in *bufio.Reader) *jpegDecoder {
	d := &jpegDecoder{in: in, bits: entropyReader{in: in}, adobe: -1}
	for _, s := range huffmanSpecs { // MJPEG frames leave them out
		d.huffman[s.class][s.id] = newHuffmanTable(s.counts[:], s.values)
	}
	return d
}

// start reads what precedes the first scan.
func (d *jpegDecoder) start() (err error) {
	if d.header, err = d.segments(); err == nil && len(d.comps) == 0 {
		return errNoFrame
	}
	return err
}

var errNoFrame = damaged(JPEG, "it has no frame header")

// decode decodes what follows, and leaves in after the picture's end.
func (d *jpegDecoder) decode() (err error) {
	for k := range d.comps {
		d.comps[k].allocate(d.progressive)
	}
	for header := d.header; header != nil; {
		if err := d.scan(header); err != nil {
			return err
		}
		header, err = d.segments()
		if errors.Is(err, io.EOF) && d.complete() && !d.progressive {
			return nil // without an end marker, so no scan can be missing
		}
		if err != nil {
			return err
		}
	}
	if !d.complete() {
		return io.ErrUnexpectedEOF
	}
	return d.finish()
}

// segments reads segments up to a scan, whose header it returns, or the end marker.
func (d *jpegDecoder) segments() (header []byte, err error) {
	for {
		marker, err := d.marker()
		if err != nil || marker == markerEOI {
			return nil, err
		}
		if marker == markerSOI || marker >= 0xd0 && marker <= 0xd7 || marker == 0x01 {
			continue // it has neither length nor data
		}
		data, err := d.segment()
		if err != nil || marker == markerSOS {
			return data, err
		}
		if err := d.take(marker, data); err != nil {
			return nil, err
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

func (d *jpegDecoder) segment() ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(d.in, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(size[:])) - 2
	if n < 0 {
		return nil, damaged(JPEG, "a segment's length is %d", n+2)
	}
	data := make([]byte, n)
	_, err := io.ReadFull(d.in, data)
	return data, err
}

// take processes a segment. Metadata count before the first scan, and in a whole file.
func (d *jpegDecoder) take(marker byte, data []byte) error {
	switch marker {
	case 0xc4:
		return d.defineHuffman(data)
	case 0xc8, 0xcc: // between the frames' markers
	case 0xdb:
		return d.defineQuant(data)
	case 0xdd:
		if len(data) < 2 {
			return damaged(JPEG, "its restart interval has %d bytes", len(data))
		}
		d.restart = int(binary.BigEndian.Uint16(data))
	case markerAPP0:
		d.jfif = d.jfif || bytes.HasPrefix(data, []byte(jfifHead))
	case markerAPP14:
		if len(data) >= 12 && bytes.HasPrefix(data, []byte("Adobe")) {
			d.adobe = int(data[11])
		}
	default:
		if marker >= 0xc0 && marker <= 0xcf || marker == markerLS {
			return d.startFrame(marker, data)
		}
	}
	mayDescribe := marker >= markerAPP0 && marker <= 0xef || marker == markerCOM
	if mayDescribe && d.scans == 0 && d.meter != nil && d.meter.take(int64(len(data))) {
		d.describe(marker, data)
	}
	return nil
}

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
		d.huffman[class][id], data = t, data[17+n:]
	}
	return nil
}

// startFrame parses the frame header (T.81, B.2.2), and refuses unsupported variants
// with their names.
func (d *jpegDecoder) startFrame(marker byte, data []byte) error {
	switch {
	case marker == markerLS:
		return unsupported(JPEG, "JPEG-LS coding")
	case marker >= 0xc9:
		return unsupported(JPEG, "arithmetic coding")
	case marker == 0xc3:
		return unsupported(JPEG, "lossless coding")
	case marker > 0xc3:
		return unsupported(JPEG, "hierarchical coding")
	case len(d.comps) > 0:
		return damaged(JPEG, "it has two frames")
	case len(data) < 6 || len(data) < 6+3*int(data[5]):
		return errNoFrame
	case data[0] != 8:
		return unsupported(JPEG, "%d bits a sample", data[0])
	}
	if n := data[5]; n < 1 || n > 4 || n == 2 && d.maxW == 0 {
		return unsupported(JPEG, "%d components", n)
	}
	d.progressive = marker == 0xc2
	d.h, d.w = int(binary.BigEndian.Uint16(data[1:])), int(binary.BigEndian.Uint16(data[3:]))
	if d.h == 0 && d.w > 0 {
		return unsupported(JPEG, "a height that is only given at its end (DNL)")
	}
	if d.maxW > 0 && (d.w > d.maxW || d.h > d.maxH) {
		return damaged(JPEG, "it is %d×%d, but there is room for %d×%d", d.w, d.h, d.maxW, d.maxH)
	}
	return d.takeComponents(data[6 : 6+3*int(data[5])])
}

func (d *jpegDecoder) takeComponents(data []byte) error {
	hMax, vMax := 0, 0
	for ; len(data) > 0; data = data[3:] {
		c := jpegComponent{id: data[0], hs: int(data[1] >> 4), vs: int(data[1] & 15), tq: data[2]}
		d.comps = append(d.comps, c)
		if c.hs < 1 || c.hs > 4 || c.vs < 1 || c.vs > 4 {
			return damaged(JPEG, "the sampling factors of component %d are %d×%d", len(d.comps), c.hs, c.vs)
		}
		hMax, vMax = max(hMax, c.hs), max(vMax, c.vs)
	}
	d.mcuW, d.mcuH = 8*hMax, 8*vMax
	for k := range d.comps {
		c := &d.comps[k]
		if hMax%c.hs != 0 || vMax%c.vs != 0 {
			return unsupported(JPEG, "chroma subsampled by a fraction (%d×%d of %d×%d)", c.hs, c.vs, hMax, vMax)
		}
		c.dx, c.dy = hMax/c.hs, vMax/c.vs
		c.w, c.h = ceil(d.w, c.dx), ceil(d.h, c.dy)
		c.wide, c.high = ceil(d.w, d.mcuW)*c.hs, ceil(d.h, d.mcuH)*c.vs
	}
	return nil
}

// shape returns the shape of the picture converted to grey or RGB.
func (d *jpegDecoder) shape() shape {
	return shape{w: d.w, h: d.h, depth: 8, grey: len(d.comps) == 1}
}

// bytes returns the memory that decoding takes: the planes, and a progressive picture's
// coefficients, which are kept until the last scan.
func (d *jpegDecoder) bytes() (sum int64) {
	const coefficient = 2
	for _, c := range d.comps {
		samples := 64 * int64(c.wide) * int64(c.high)
		if sum += samples; d.progressive {
			sum += coefficient * samples
		}
	}
	return sum
}

// allocate makes room for a component's samples or coefficients.
func (c *jpegComponent) allocate(progressive bool) {
	c.plane = make([]uint8, 64*c.wide*c.high)
	if progressive {
		c.coef = make([][64]int16, c.wide*c.high)
		for i := range c.missing {
			c.missing[i] = math.MaxUint8
		}
	}
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
			inverseDCT(c.block(i%c.wide, i/c.wide), c.stride(), &c.coef[i], q)
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
