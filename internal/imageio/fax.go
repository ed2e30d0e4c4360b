package imageio

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// faxReader decodes TIFF's fax compressions: rows of one bit per pixel, black 1, stored
// as runs of white and black (ITU-T T.4, one-dimensional) or as differences from the
// row above (T.4 two-dimensional, T.6).
type faxReader struct {
	in          *bufio.Reader
	acc         uint32 // the next bits, from the highest
	n, zeros    uint   // how many there are, and how many of them lie beyond the data
	w           int
	compression uint32
	mixed       bool  // a bit after each line end tells whether a row is one-dimensional
	above, row  []int // where colours change, beginning with white
	seen        int   // changes above that are left of the current position
	out         []byte
	left        []byte // of out
}

// faxCodes are the codes of runs of 0 to 63, and of 64, 128 to 1728 pixels, for white
// and for black; faxLong those of 1792 to 2560 for both.
var (
	faxCodes = [2]string{
		"00110101 000111 0111 1000 1011 1100 1110 1111 10011 10100 00111 01000 001000 000011 110100 110101 " +
			"101010 101011 0100111 0001100 0001000 0010111 0000011 0000100 0101000 0101011 0010011 0100100 " +
			"0011000 00000010 00000011 00011010 00011011 00010010 00010011 00010100 00010101 00010110 00010111 " +
			"00101000 00101001 00101010 00101011 00101100 00101101 00000100 00000101 00001010 00001011 01010010 " +
			"01010011 01010100 01010101 00100100 00100101 01011000 01011001 01011010 01011011 01001010 01001011 " +
			"00110010 00110011 00110100 11011 10010 010111 0110111 00110110 00110111 01100100 01100101 01101000 " +
			"01100111 011001100 011001101 011010010 011010011 011010100 011010101 011010110 011010111 011011000 " +
			"011011001 011011010 011011011 010011000 010011001 010011010 011000 010011011",
		"0000110111 010 11 10 011 0011 0010 00011 000101 000100 0000100 0000101 0000111 00000100 00000111 " +
			"000011000 0000010111 0000011000 0000001000 00001100111 00001101000 00001101100 00000110111 " +
			"00000101000 00000010111 00000011000 000011001010 000011001011 000011001100 000011001101 000001101000 " +
			"000001101001 000001101010 000001101011 000011010010 000011010011 000011010100 000011010101 " +
			"000011010110 000011010111 000001101100 000001101101 000011011010 000011011011 000001010100 " +
			"000001010101 000001010110 000001010111 000001100100 000001100101 000001010010 000001010011 " +
			"000000100100 000000110111 000000111000 000000100111 000000101000 000001011000 000001011001 " +
			"000000101011 000000101100 000001011010 000001100110 000001100111 0000001111 000011001000 " +
			"000011001001 000001011011 000000110011 000000110100 000000110101 0000001101100 0000001101101 " +
			"0000001001010 0000001001011 0000001001100 0000001001101 0000001110010 0000001110011 0000001110100 " +
			"0000001110101 0000001110110 0000001110111 0000001010010 0000001010011 0000001010100 0000001010101 " +
			"0000001011010 0000001011011 0000001100100 0000001100101",
	}
	faxLong = "00000001000 00000001100 00000001101 000000010010 000000010011 000000010100 000000010101 000000010110 " +
		"000000010111 000000011100 000000011101 000000011110 000000011111"
)

// faxRun is a run and the number of bits of its code; 0 for no code.
type faxRun struct {
	pixels int16
	bits   uint8
}

const faxBits = 13 // of the longest code

// faxTables are the runs of white and of black, indexed by the next bits.
var faxTables = sync.OnceValue(func() (tables [2][1 << faxBits]faxRun) {
	for colour := range tables {
		for i, code := range strings.Fields(faxCodes[colour] + " " + faxLong) {
			run := faxRun{int16(i), uint8(len(code))}
			const short = 64 // codes of single pixels; each of the others stands for 64 more
			if i >= short {
				run.pixels = int16(short * (i - short + 1))
			}
			first := 0
			for _, bit := range code {
				first = first<<1 | int(bit-'0')
			}
			rest := faxBits - len(code)
			for k := range 1 << rest {
				tables[colour][first<<rest|k] = run
			}
		}
	}
	return tables
})

func newFaxReader(in *bufio.Reader, w int, compression uint32, mixed bool) *faxReader {
	f := &faxReader{in: in, w: w, compression: compression, mixed: mixed}
	f.out = make([]byte, (w+7)/8)
	return f
}

func (f *faxReader) Read(p []byte) (int, error) {
	if len(f.left) == 0 {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.left)
	f.left = f.left[n:]
	return n, nil
}

// peek returns the next k bits.
func (f *faxReader) peek(k uint) uint32 {
	for f.n <= 24 {
		b, err := f.in.ReadByte()
		if err != nil {
			b, f.zeros = 0, f.zeros+8
		}
		f.acc |= uint32(b) << (24 - f.n)
		f.n += 8
	}
	return f.acc >> (32 - k)
}

func (f *faxReader) skip(k uint) { f.acc, f.n = f.acc<<k, f.n-k }

// ended reports whether more bits were consumed than there were.
func (f *faxReader) ended() bool { return f.n < f.zeros }

// next decodes a row.
func (f *faxReader) next() (err error) {
	f.above, f.row, f.seen = f.row, f.above[:0], 0
	switch f.compression {
	case tiffGroup4:
		err = f.differences()
	case tiffFaxRuns:
		f.peek(1)
		f.skip((f.n - f.zeros) % 8) // each row begins at a byte
		err = f.runs()
	default:
		if err = f.lineEnd(); err != nil {
			return err
		}
		flat := true
		if f.mixed {
			flat = f.peek(1) == 1
			f.skip(1)
		}
		if flat {
			err = f.runs()
		} else {
			err = f.differences()
		}
	}
	if f.ended() {
		return io.ErrUnexpectedEOF
	}
	f.paint()
	return err
}

// lineEnd skips the code before a row, if it is there, and the zeros that fill up bytes
// before it. Two in a row end the page.
func (f *faxReader) lineEnd() error {
	const zeros = 11
	found := false
	for f.peek(zeros) == 0 {
		for f.peek(1) == 0 && !f.ended() {
			f.skip(1)
		}
		if found || f.ended() {
			return io.ErrUnexpectedEOF
		}
		f.skip(1)
		found = true
	}
	return nil
}

// run reads the codes of a run of white, 0, or black, 1.
func (f *faxReader) run(colour int, tables *[2][1 << faxBits]faxRun) (int, error) {
	for pixels := 0; ; {
		r := tables[colour][f.peek(faxBits)]
		if r.bits == 0 || pixels > f.w {
			return 0, errors.New("a run has no such code")
		}
		f.skip(uint(r.bits))
		pixels += int(r.pixels)
		const longest = 63 // of the codes that end a run
		if r.pixels <= longest {
			return pixels, nil
		}
	}
}

// runs decodes a row of runs.
func (f *faxReader) runs() error {
	tables := faxTables()
	for x, colour := 0, 0; x < f.w; colour ^= 1 {
		n, err := f.run(colour, &tables)
		if err != nil {
			return err
		}
		if x += n; x > f.w || f.ended() {
			return fmt.Errorf("a row of %d pixels has more than %d", x, f.w)
		}
		f.row = append(f.row, x)
	}
	return nil
}

// faxVertical are the modes in which a change is near one above: the offset, by code
// length and code.
var faxVertical = map[[2]uint32]int{{1, 1}: 0, {3, 3}: 1, {3, 2}: -1, {6, 3}: 2, {6, 2}: -2, {7, 3}: 3, {7, 2}: -3}

// differences decodes a row that is coded relative to the changes of the row above.
func (f *faxReader) differences() error {
	tables := faxTables()
	at, colour := -1, 0 // the last change, and the colour after it
	for at < f.w && !f.ended() {
		b1, b2 := f.changes(at, colour)
		if f.peek(4) == 1 { // pass mode
			f.skip(4)
			at = b2
			continue
		}
		if f.peek(3) == 1 { // two runs
			f.skip(3)
			at = max(at, 0)
			for k := range 2 {
				n, err := f.run(colour^k, &tables)
				if err != nil {
					return err
				}
				at += n
				f.row = append(f.row, at)
			}
			continue
		}
		d, err := f.vertical()
		if err != nil {
			return err
		}
		if b1+d < max(at, 0) || b1+d > f.w {
			return errors.New("a row changes where it cannot")
		}
		at, colour = b1+d, colour^1
		f.row = append(f.row, at)
	}
	if at > f.w {
		return fmt.Errorf("a row of %d pixels has more than %d", at, f.w)
	}
	return nil
}

// vertical reads a code of faxVertical.
func (f *faxReader) vertical() (int, error) {
	for k := uint(1); k <= 7; k++ {
		if d, ok := faxVertical[[2]uint32{uint32(k), f.peek(k)}]; ok {
			f.skip(k)
			return d, nil
		}
	}
	if f.peek(11) == 0 {
		return 0, io.ErrUnexpectedEOF // the end of the page
	}
	return 0, errors.New("a row has no such mode")
}

// changes returns the first change above that is right of at and to the other colour,
// and the one after it.
func (f *faxReader) changes(at, colour int) (b1, b2 int) {
	i := max(f.seen-1, 0) // changes to the other colour before it are further left
	if i%2 != colour {
		i++
	}
	for i < len(f.above) && f.above[i] <= at {
		i += 2
	}
	f.seen = i
	return f.change(f.above, i), f.change(f.above, i+1)
}

// change returns change i of a row, or its end if there is none.
func (f *faxReader) change(row []int, i int) int {
	if i < len(row) {
		return row[i]
	}
	return f.w
}

// paint writes the row as bits.
func (f *faxReader) paint() {
	clear(f.out)
	for i := 0; i < len(f.row); i += 2 {
		end := min(f.change(f.row, i+1), f.w)
		for x := f.row[i]; x < end; x++ {
			f.out[x/8] |= 0x80 >> (x % 8)
		}
	}
	f.left = f.out
}
