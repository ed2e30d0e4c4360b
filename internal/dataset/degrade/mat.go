package degrade

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"clusir/internal/userfile"
)

// The layout of MATLAB's level 5 MAT-files ("MAT-File Format", The MathWorks):
// a header of 128 bytes, then elements of a tag (type, size) and data padded to
// 8 bytes. Small elements hold their data in the tag's second half.
const (
	matHeader     = 128
	miMatrix      = 14
	miCompressed  = 15
	mxCell        = 1
	mxDouble      = 6 // mxDouble..mxUint64 are the numeric classes
	mxUint64      = 15
	maxKernelSide = 301
	maxMatBytes   = 64 << 20
	maxMatDepth   = 8
)

// ReadKernels reads the blur kernels of a MATLAB level 5 file: every real
// two-dimensional array in it, including those in cells, normalised to a sum of 1.
func ReadKernels(path string) ([]Kernel, error) {
	f, err := userfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := readAll(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	kernels, err := parseMAT(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return kernels, nil
}

func parseMAT(text []byte) ([]Kernel, error) {
	if bytes.HasPrefix(text, []byte("MATLAB 7.3")) {
		return nil, errors.New(`a MATLAB 7.3 file (HDF5), which is not supported; save it again with save(..., "-v7"), or copy its arrays with scripts/mat73.py of clusir's sources`)
	}
	if len(text) < matHeader || !bytes.HasPrefix(text, []byte("MATLAB 5.0")) {
		return nil, errors.New("not a MATLAB level 5 file")
	}
	p := matParser{}
	switch string(text[126:128]) {
	case "IM":
		p.order = binary.LittleEndian
	case "MI":
		p.order = binary.BigEndian
	default:
		return nil, errors.New("damaged MATLAB file: no byte order mark")
	}
	if err := p.elements(text[matHeader:], 0); err != nil {
		return nil, fmt.Errorf("damaged MATLAB file: %w", err)
	}
	if len(p.kernels) == 0 {
		return nil, errors.New("holds no two-dimensional array of real numbers that could be a kernel")
	}
	return p.kernels, nil
}

type matParser struct {
	order   binary.ByteOrder
	kernels []Kernel
}

// next splits off the first element.
func (p *matParser) next(b []byte) (kind uint32, data, rest []byte, err error) {
	if len(b) < 8 {
		return 0, nil, nil, io.ErrUnexpectedEOF
	}
	kind = p.order.Uint32(b)
	if size := kind >> 16; size != 0 { // a small element
		if size > 4 {
			return 0, nil, nil, fmt.Errorf("a small element of %d bytes", size)
		}
		return kind & 0xffff, b[4 : 4+size], b[8:], nil
	}
	size := uint64(p.order.Uint32(b[4:]))
	if size > uint64(len(b)-8) {
		return 0, nil, nil, io.ErrUnexpectedEOF
	}
	end := 8 + size
	if kind != miCompressed {
		end = min((end+7)/8*8, uint64(len(b)))
	}
	return kind, b[8 : 8+size], b[end:], nil
}

// elements collects the kernels in a sequence of elements.
func (p *matParser) elements(b []byte, depth int) error {
	if depth > maxMatDepth {
		return errors.New("cells nested too deeply")
	}
	for len(b) > 0 {
		kind, data, rest, err := p.next(b)
		if err != nil {
			return err
		}
		switch kind {
		case miCompressed:
			if depth > 0 {
				return errors.New("compressed data within compressed data")
			}
			var unpacked io.Reader
			if unpacked, err = zlib.NewReader(bytes.NewReader(data)); err == nil {
				data, err = readAll(unpacked)
			}
			if err == nil {
				err = p.elements(data, depth+1)
			}
		case miMatrix:
			err = p.matrix(data, depth)
		}
		if err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// readAll reads a file, or what it unpacks to, which is not larger than any kernels.
func readAll(r io.Reader) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, maxMatBytes+1))
	if err == nil && len(out) > maxMatBytes {
		err = fmt.Errorf("more than %d bytes, too many for blur kernels", maxMatBytes)
	}
	return out, err
}

// matrix parses an array: flags, dimensions, name, and numbers or cells.
func (p *matParser) matrix(b []byte, depth int) error {
	if len(b) == 0 {
		return nil // an empty cell
	}
	var parts [3][]byte
	for i := range parts {
		var err error
		if _, parts[i], b, err = p.next(b); err != nil {
			return err
		}
	}
	flags, dims := parts[0], parts[1]
	if len(flags) < 8 || len(dims)%4 != 0 {
		return errors.New("an array without flags or dimensions")
	}
	word := p.order.Uint32(flags)
	class, complexNumbers := word&0xff, word&0x800 != 0
	switch {
	case class == mxCell:
		return p.elements(b, depth+1)
	case class < mxDouble || class > mxUint64 || complexNumbers || len(dims) != 8:
		return nil // text, structures, sparse or complex arrays: not kernels
	}
	rows, cols := p.order.Uint32(dims), p.order.Uint32(dims[4:])
	if rows*cols < 2 || rows > maxKernelSide || cols > maxKernelSide {
		return nil
	}
	kind, data, _, err := p.next(b)
	if err != nil {
		return err
	}
	return p.addKernel(int(rows), int(cols), kind, data)
}

// matNumbers reads the numbers of an element of each type.
var matNumbers = map[uint32]func([]byte, binary.ByteOrder) []float64{
	1: numbersOf[int8], 2: numbersOf[uint8], 3: numbersOf[int16], 4: numbersOf[uint16], 5: numbersOf[int32], 6: numbersOf[uint32],
	7: numbersOf[float32], 9: numbersOf[float64], 12: numbersOf[int64], 13: numbersOf[uint64],
}

func numbersOf[T int8 | uint8 | int16 | uint16 | int32 | uint32 | float32 | float64 | int64 | uint64](data []byte, order binary.ByteOrder) []float64 {
	raw := make([]T, len(data)/binary.Size(T(0)))
	_, _ = binary.Decode(data, order, raw) // data are no shorter than raw
	values := make([]float64, len(raw))
	for i, v := range raw {
		values[i] = float64(v)
	}
	return values
}

// addKernel keeps an array of numbers, stored by columns, if its values are valid for a
// kernel: finite, not negative, not all zero.
func (p *matParser) addKernel(rows, cols int, kind uint32, data []byte) error {
	var values []float64
	if read := matNumbers[kind]; read != nil {
		values = read(data, p.order)
	}
	if len(values) != rows*cols {
		return fmt.Errorf("an array of %d×%d has %d bytes of type %d", rows, cols, len(data), kind)
	}
	sum := 0.
	for _, v := range values {
		if v < 0 || math.IsNaN(v) {
			return nil
		}
		sum += v
	}
	if sum == 0 || math.IsInf(sum, 0) {
		return nil
	}
	k := Kernel{W: cols, H: rows, Weights: make([]float32, rows*cols)}
	for i, v := range values {
		k.Weights[i%rows*cols+i/rows] = float32(v / sum)
	}
	p.kernels = append(p.kernels, k)
	return nil
}
