package imageio

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"golang.org/x/image/ccitt"
)

// faxRows decodes a strip or tile of Group 3 (ITU-T T.4, one-dimensional) or Group 4
// (T.6): rows of one bit per pixel, black 1.
func (p *tiffPage) faxRows(in *bufio.Reader) io.Reader {
	if p.compression == tiffGroup3 {
		return &pieces{next: (&group3{in: in, w: p.chunkW}).row}
	}
	return faxReader(io.MultiReader(in, cutOff{}), ccitt.Group4, p.chunkW, ccitt.AutoDetectHeight)
}

func faxReader(in io.Reader, group ccitt.SubFormat, w, h int) io.Reader {
	return ccitt.NewReader(in, ccitt.MSB, group, w, h, &ccitt.Options{Invert: true})
}

// cutOff follows data that end before their rows do.
type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// group3 decodes rows one at a time, since the library allows neither zeros that fill
// up bytes before a line end, nor a line end that is missing.
type group3 struct {
	in   *bufio.Reader
	w    int
	bits byte // the last byte of in
	n    int  // bits of it that are left
}

func (g *group3) row() ([]byte, error) {
	line, err := g.line()
	if err != nil {
		return nil, err
	}
	row := make([]byte, (g.w+7)/8)
	_, err = io.ReadFull(faxReader(bytes.NewReader(line), ccitt.Group3, g.w, 1), row)
	return row, err
}

// line returns a line end and what follows it, up to the next one. There is no row
// between two line ends: the page begins or is over.
func (g *group3) line() ([]byte, error) {
	const endZeros, slack = 11, 64 // zeros in a line end, before a one; bytes that may fill up a line
	line, n, zeros, codes := []byte{0x00, 0x10}, endZeros+1, 0, false
	for len(line) < 2*g.w+slack {
		bit, err := g.bit()
		switch {
		case err != nil && codes:
			return line, nil // writers leave out the last line end
		case err != nil:
			return nil, err
		case bit == 0:
			zeros++
		case zeros < endZeros:
			zeros, codes = 0, true
		case codes:
			return line, nil
		default:
			line, n, zeros = []byte{0x00, 0x10}, endZeros+1, 0
			continue
		}
		if n%8 == 0 {
			line = append(line, 0)
		}
		line[n/8] |= bit << (7 - n%8)
		n++
	}
	return nil, errors.New("a row of a fax is too long")
}

func (g *group3) bit() (bit byte, err error) {
	if g.n == 0 {
		if g.bits, err = g.in.ReadByte(); err != nil {
			return 0, err
		}
		g.n = 8
	}
	g.n--
	return g.bits >> g.n & 1, nil
}
