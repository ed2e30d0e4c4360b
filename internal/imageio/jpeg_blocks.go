package imageio

import "io"

// baseline decodes a complete block (T.81, F.2.2).
func (d *jpegDecoder) baseline(s *jpegScan, k int, b *[64]int16) error {
	if err := d.firstDC(s, k, b); err != nil {
		return err
	}
	return d.firstAC(s, k, b)
}

// noCode returns the error for bits that match no code, which may be zeros beyond the
// data's end.
func (d *jpegDecoder) noCode() error {
	if d.bits.n < d.bits.zeros+16 {
		return io.ErrUnexpectedEOF
	}
	return damaged(JPEG, "its pixel data hold a code that no table has")
}

// firstDC decodes a block's first coefficient as its difference from the last block's
// (F.2.2.1, G.1.2.1).
func (d *jpegDecoder) firstDC(s *jpegScan, k int, b *[64]int16) error {
	size, ok := d.bits.value(s.dc[k])
	if !ok {
		return d.noCode()
	}
	if size > 16 {
		return damaged(JPEG, "a difference has %d bits", size)
	}
	c := s.comps[k]
	c.pred += d.bits.signed(uint(size))
	b[0] = int16(c.pred << s.low)
	return nil
}

// refineDC adds a bit of precision.
func (d *jpegDecoder) refineDC(s *jpegScan, _ int, b *[64]int16) error {
	b[0] |= int16(d.bits.bits(1) << s.low)
	return nil
}

// firstAC decodes the scan's band of a block (G.1.2.2, F.2.2.2).
func (d *jpegDecoder) firstAC(s *jpegScan, k int, b *[64]int16) error {
	if d.eobRun > 0 {
		d.eobRun--
		return nil
	}
	for i := s.from; i <= s.to; i++ {
		v, ok := d.bits.value(s.ac[k])
		if !ok {
			return d.noCode()
		}
		run, size := int(v>>4), uint(v&15)
		if size == 0 {
			if run != 15 && d.progressive {
				d.eobRun = d.readRun(uint(run)) - 1
			}
			if run != 15 {
				break
			}
			i += 15
			continue
		}
		if i += run; i > s.to {
			return damaged(JPEG, "a block has too many coefficients")
		}
		b[zigzag[i]] = int16(d.bits.signed(size) << s.low)
	}
	return nil
}

// readRun reads the number of blocks that an end of band covers.
func (d *jpegDecoder) readRun(size uint) int {
	n := 1 << size
	if size > 0 {
		n += int(d.bits.bits(size))
	}
	return n
}

// refineAC adds a bit to the coefficients of the scan's band that are not zero, and
// inserts new ones between them (G.1.2.3).
func (d *jpegDecoder) refineAC(s *jpegScan, k int, b *[64]int16) error {
	delta := int16(1) << s.low
	i := s.from
	for ; i <= s.to && d.eobRun == 0; i++ {
		v, ok := d.bits.value(s.ac[k])
		if !ok {
			return d.noCode()
		}
		run, fresh := int(v>>4), int16(0)
		switch v & 15 {
		case 0:
			if run != 15 {
				d.eobRun = d.readRun(uint(run))
			}
		case 1:
			if fresh = delta; d.bits.bits(1) == 0 {
				fresh = -delta
			}
		default:
			return damaged(JPEG, "a refined coefficient has %d bits", v&15)
		}
		if d.eobRun > 0 {
			break
		}
		if i = d.refine(b, i, s.to, run, delta); i > s.to {
			break
		}
		if fresh != 0 {
			b[zigzag[i]] = fresh
		}
	}
	if d.eobRun > 0 {
		d.eobRun--
		d.refine(b, i, s.to, -1, delta)
	}
	return nil
}

// refine adds a bit to nonzero coefficients from i to last. It stops at the zero that
// follows skip others and returns its index; a skip of −1 continues to last.
func (d *jpegDecoder) refine(b *[64]int16, i, last, skip int, delta int16) int {
	for ; i <= last; i++ {
		c := &b[zigzag[i]]
		if *c == 0 {
			if skip == 0 {
				break
			}
			skip--
			continue
		}
		if d.bits.bits(1) == 0 {
			continue
		}
		if *c >= 0 {
			*c += delta
		} else {
			*c -= delta
		}
	}
	return i
}
