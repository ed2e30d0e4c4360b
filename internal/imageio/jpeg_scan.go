package imageio

import (
	"io"
	"slices"
)

// jpegScan is a scan's header (T.81, B.2.3): which coefficients of which components it
// supplies, and how precisely.
type jpegScan struct {
	comps     []*jpegComponent
	dc, ac    []*huffmanTable
	from, to  int  // coefficients, in zigzag order
	high, low uint // bits of precision before and after
	quant     []*[64]uint16
	block     func(s *jpegScan, k int, b *[64]int16) error
}

func (d *jpegDecoder) scan(data []byte) error {
	if d.scans++; d.scans > maxScans {
		return unsupported(JPEG, "more than %d scans", maxScans)
	}
	s, err := d.scanHeader(data)
	if err != nil {
		return err
	}
	d.bits.reset()
	d.startSegment(s)
	if len(s.comps) == 1 {
		c := s.comps[0]
		return d.units(s, ceil(c.w, 8), ceil(c.h, 8), func(x, y int) error { return d.one(s, 0, x, y) })
	}
	return d.units(s, ceil(d.w, d.mcuW), ceil(d.h, d.mcuH), func(x, y int) error {
		for k, c := range s.comps {
			for i := range c.hs * c.vs {
				if err := d.one(s, k, x*c.hs+i%c.hs, y*c.vs+i/c.hs); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// units calls one for every unit of a scan, handling restart markers.
func (d *jpegDecoder) units(s *jpegScan, wide, high int, one func(x, y int) error) error {
	for i := range wide * high {
		if d.restart > 0 && i > 0 && i%d.restart == 0 {
			if err := d.nextSegment(s); err != nil {
				return err
			}
		}
		if err := one(i%wide, i/wide); err != nil {
			return err
		}
		if d.bits.n < d.bits.zeros { // more bits were consumed than there were
			return io.ErrUnexpectedEOF
		}
	}
	return nil
}

// startSegment begins a segment that is coded independently.
func (d *jpegDecoder) startSegment(s *jpegScan) {
	d.eobRun = 0
	for _, c := range s.comps {
		c.pred = 0
	}
}

// nextSegment continues after a restart marker.
func (d *jpegDecoder) nextSegment(s *jpegScan) error {
	m, err := d.marker()
	if err != nil {
		return err
	}
	if m < 0xd0 || m > 0xd7 {
		return damaged(JPEG, "a marker %#x is where a restart should be", m)
	}
	d.startSegment(s)
	return nil
}

// one decodes the block of component k of the scan in column x and row y.
func (d *jpegDecoder) one(s *jpegScan, k, x, y int) error {
	c := s.comps[k]
	if d.progressive {
		return s.block(s, k, &c.coef[y*c.wide+x])
	}
	var b [64]int16
	if err := s.block(s, k, &b); err != nil {
		return err
	}
	inverseDCT(c.block(x, y), c.stride(), &b, s.quant[k])
	return nil
}

func (d *jpegDecoder) scanHeader(data []byte) (*jpegScan, error) {
	if len(d.comps) == 0 {
		return nil, errNoFrame
	}
	if len(data) < 1 || data[0] < 1 || data[0] > 4 || len(data) < 4+2*int(data[0]) {
		return nil, damaged(JPEG, "a scan's header has %d bytes", len(data))
	}
	n := int(data[0])
	tail := data[1+2*n:]
	s := &jpegScan{from: int(tail[0]), to: int(tail[1]), high: uint(tail[2] >> 4), low: uint(tail[2] & 15)}
	for k := range n {
		if err := d.scanComponent(s, data[1+2*k], data[2+2*k]); err != nil {
			return nil, err
		}
	}
	if !d.progressive {
		s.from, s.to, s.high, s.low, s.block = 1, 63, 0, 0, d.baseline
		return s, nil
	}
	const deepest = 13
	bad := s.from > s.to || s.to > 63 || s.from == 0 && s.to > 0 || s.from > 0 && n > 1
	if bad || s.low > deepest || s.high > 0 && s.high != s.low+1 {
		return nil, damaged(JPEG, "a progressive scan of coefficients %d to %d, bits %d to %d", s.from, s.to, s.high, s.low)
	}
	if !s.follows() {
		return nil, errScansMissing
	}
	switch {
	case s.from == 0 && s.high == 0:
		s.block = d.firstDC
	case s.from == 0:
		s.block = d.refineDC
	case s.high == 0:
		s.block = d.firstAC
	default:
		s.block = d.refineAC
	}
	return s, nil
}

// errScansMissing is the error of a progressive picture that would be blurred; libjpeg
// smooths it, which would hide that.
var errScansMissing = unsupported(JPEG, "scans missing or out of order")

// follows records the bits that a progressive scan supplies, and reports whether the
// bits above them were supplied before.
func (s *jpegScan) follows() bool {
	for _, c := range s.comps {
		for i := s.from; i <= s.to; i++ {
			if s.high > 0 && c.missing[i] != uint8(s.high) {
				return false
			}
			c.missing[i] = uint8(s.low)
		}
	}
	return true
}

// scanComponent adds a component with its tables. Some writers give all components the
// same name; of those, it takes the next one.
func (d *jpegDecoder) scanComponent(s *jpegScan, id, tables byte) error {
	var c *jpegComponent
	for k := range d.comps {
		if d.comps[k].id == id && !slices.Contains(s.comps, &d.comps[k]) {
			c = &d.comps[k]
			break
		}
	}
	if c == nil {
		return damaged(JPEG, "a scan names component %d", id)
	}
	c.seen = true
	if tables>>4 > 3 || tables&15 > 3 {
		return damaged(JPEG, "a scan names Huffman tables %d and %d", tables>>4, tables&15)
	}
	dc, ac := d.huffman[0][tables>>4], d.huffman[1][tables&15]
	if dc == nil && (!d.progressive || s.from == 0 && s.high == 0) || ac == nil && (!d.progressive || s.from > 0) {
		return damaged(JPEG, "a scan's Huffman table is missing")
	}
	var q *[64]uint16
	if !d.progressive {
		var err error
		if q, err = d.quantOf(c); err != nil {
			return err
		}
	}
	s.comps, s.quant = append(s.comps, c), append(s.quant, q)
	s.dc, s.ac = append(s.dc, dc), append(s.ac, ac)
	return nil
}
