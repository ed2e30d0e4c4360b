package imageio

import "bufio"

// huffmanTable decodes one of a scan's codes (T.81, annex F.2.2.3).
type huffmanTable struct {
	fast   [1 << fastBits]uint16 // length and value of the code with this beginning; 0 for longer ones
	top    [17]int32             // the largest code of each length, left-aligned to 16 bits, plus one
	offset [17]int32             // from a code of a length to its value's index
	values []uint8
}

const fastBits = 9

// newHuffmanTable makes a table from the number of codes of each length, and their
// values. It returns nil if these are not a prefix code.
func newHuffmanTable(counts []uint8, values []uint8) *huffmanTable {
	t := &huffmanTable{values: values}
	code, index := int32(0), int32(0)
	for length := 1; length <= 16; length++ {
		n := int32(counts[length-1])
		t.offset[length] = index - code
		if code+n > 1<<length {
			return nil
		}
		for range n {
			if length <= fastBits {
				for pad := range 1 << (fastBits - length) {
					t.fast[int(code)<<(fastBits-length)|pad] = uint16(length)<<8 | uint16(values[index])
				}
			}
			code, index = code+1, index+1
		}
		t.top[length] = code << (16 - length)
		code <<= 1
	}
	return t
}

// entropyReader returns the bits of entropy-coded data up to the next marker, and zeros
// after them.
type entropyReader struct {
	in     *bufio.Reader
	acc    uint32 // the next bits, from the highest
	n      uint   // how many there are
	zeros  uint   // how many of them lie beyond the data
	marker byte   // the marker found, 0 for none
}

// fill ensures that acc has at least 25 bits.
func (r *entropyReader) fill() {
	for r.n <= 24 {
		b, ok := r.next()
		if !ok {
			r.zeros += 8
		}
		r.acc |= uint32(b) << (24 - r.n)
		r.n += 8
	}
}

// next returns the next byte of data, if there is one before a marker or the end.
func (r *entropyReader) next() (byte, bool) {
	if r.marker != 0 {
		return 0, false
	}
	b, err := r.in.ReadByte()
	if err != nil || b != 0xff {
		return b, err == nil
	}
	for b == 0xff {
		if b, err = r.in.ReadByte(); err != nil {
			return 0, false
		}
	}
	if b == 0 {
		return 0xff, true
	}
	r.marker = b
	return 0, false
}

// reset discards the rest of a segment, for the next one.
func (r *entropyReader) reset() { r.acc, r.n, r.zeros, r.marker = 0, 0, 0, 0 }

// bits consumes k bits, at most 16.
func (r *entropyReader) bits(k uint) int32 {
	if r.n < k {
		r.fill()
	}
	v := r.acc >> (32 - k)
	r.acc, r.n = r.acc<<k, r.n-k
	return int32(v)
}

// signed consumes a number of k bits (T.81, F.2.2.1, EXTEND).
func (r *entropyReader) signed(k uint) int32 {
	if k == 0 {
		return 0
	}
	v := r.bits(k)
	if v < 1<<(k-1) {
		v += -1<<k + 1
	}
	return v
}

// value consumes a code; false if none matches.
func (r *entropyReader) value(t *huffmanTable) (uint8, bool) {
	if r.n < 16 {
		r.fill()
	}
	if f := t.fast[r.acc>>(32-fastBits)]; f != 0 {
		k := uint(f >> 8)
		r.acc, r.n = r.acc<<k, r.n-k
		return uint8(f), true
	}
	code := int32(r.acc >> 16)
	for k := fastBits + 1; k <= 16; k++ {
		if code < t.top[k] {
			v := code>>(16-k) + t.offset[k]
			r.acc, r.n = r.acc<<k, r.n-uint(k)
			return t.values[v], true
		}
	}
	return 0, false
}
