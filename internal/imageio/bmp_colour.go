package imageio

import (
	"encoding/binary"
	"io"
	"math"
)

// bmpColour is the colour information in headers of versions 4 and 5 (BITMAPV5HEADER).
type bmpColour struct {
	at, n int64 // offset and length of a profile; 0 for none
	notes []string
}

// bmpColourOf parses a header of any version.
func bmpColourOf(header []byte) (c bmpColour) {
	const version4, version5 = 108, 124
	if len(header) < version4 {
		return c
	}
	le := binary.LittleEndian
	switch string(header[56:60]) {
	case "DEBM": // MBED in little-endian order
		if len(header) >= version5 {
			c.at, c.n = bmpFileHead+int64(le.Uint32(header[112:])), int64(le.Uint32(header[116:]))
		}
	case "KNIL":
		c.notes = append(c.notes, "the colour profile, which is in another file, was not kept")
	case "\x00\x00\x00\x00":
		if calibrated(header) {
			c.notes = append(c.notes, "the header's primary colours and gamma, without which colours look different, were not kept")
		}
	}
	return c
}

// calibrated reports whether a header's endpoints and gamma differ from sRGB's. Many
// writers leave them at 0, and some write the reciprocal of gamma.
func calibrated(header []byte) bool {
	const near = 0.01
	number := func(at int, one float64) float64 { return float64(binary.LittleEndian.Uint32(header[at:])) / one }
	for k := range 3 {
		x, y, z := number(60+12*k, 1<<30), number(64+12*k, 1<<30), number(68+12*k, 1<<30)
		if sum := x + y + z; sum > 0 && (math.Abs(x/sum-sRGBPrimaries[2+2*k]) > near || math.Abs(y/sum-sRGBPrimaries[3+2*k]) > near) {
			return true
		}
		if g := number(96+4*k, 1<<16); g > 0 && math.Abs(g-2.2) > near && math.Abs(g-1/2.2) > near {
			return true
		}
	}
	return false
}

// profile reads the embedded profile, empty if the file ends before it does.
func (c bmpColour) profile(file io.ReaderAt, m *meter) []byte {
	if c.n == 0 || !m.take(c.n) {
		return nil
	}
	icc, err := readExactly(io.NewSectionReader(file, c.at, c.n), c.n)
	if err != nil {
		return []byte{}
	}
	return icc
}
