package degrade

import (
	"encoding/binary"
	"testing"

	"clusir/internal/sharedtest"
)

// TestMutants reads damaged .mat files.
func TestMutants(t *testing.T) {
	var seeds [][]byte
	for _, m := range []matFile{{binary.LittleEndian}, {binary.BigEndian}} {
		body := m.array(mxDouble, 0, []uint32{2, 3}, m.doubles(1, 3, 2, 4, 0, 0))
		seeds = append(seeds, append(m.header(), body...), append(m.header(), m.array(mxCell, 0, []uint32{1, 1}, body)...),
			append(m.header(), m.element(miCompressed, pack(body)...)...))
	}
	r := sharedtest.Reader{Name: "mat", Seeds: seeds, Read: func(data []byte) error {
		_, err := parseMAT(data)
		return err
	}}
	r.Try(t)
}
