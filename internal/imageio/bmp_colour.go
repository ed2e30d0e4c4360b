package imageio

import (
	"bytes"
	"encoding/binary"
	"io"
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
		if !bytes.Equal(header[60:108], make([]byte, 48)) { // many writers leave them at 0
			c.notes = append(c.notes, "the header's primary colours and gamma, without which colours look different, were not kept")
		}
	}
	return c
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
