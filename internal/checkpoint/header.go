package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// lengthSize is the size of the header's length in front of it.
const lengthSize = 8

// metadataKey is the key of what is no tensor.
const metadataKey = "__metadata__"

// maxHeader is the format's own limit on the header's length.
const maxHeader = 100_000_000

// entry describes one tensor of a file.
type entry struct {
	dtype    DType
	shape    []uint64
	elements uint64
	offsets  [2]uint64 // of its bytes in the data section
}

// header is the parsed header of a file.
type header struct {
	metadata map[string]string
	entries  map[string]entry
}

// readHeader returns the raw header of a file of the given size.
func readHeader(r io.ReaderAt, size int64) ([]byte, error) {
	var b [lengthSize]byte
	if size < lengthSize {
		return nil, fmt.Errorf("not a safetensors file: %d bytes is too short", size)
	}
	if err := readAt(r, b[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(b[:])
	if n > maxHeader {
		return nil, errors.New("not a safetensors file: it does not begin with the length of a header")
	}
	if n > uint64(size-lengthSize) {
		return nil, fmt.Errorf("cut short, or not a safetensors file: its header has %d bytes, and the file %d", n, size)
	}
	raw := make([]byte, n)
	if err := readAt(r, raw, lengthSize); err != nil {
		return nil, err
	}
	return raw, nil
}

// readAt fills b. Unlike r.ReadAt, it does not return io.EOF together with the last
// bytes.
func readAt(r io.ReaderAt, b []byte, off int64) error {
	_, err := io.ReadFull(io.NewSectionReader(r, off, int64(len(b))), b)
	return err
}

// parseHeader parses raw and checks it against the format and the size of the data
// section.
func parseHeader(raw []byte, data uint64) (*header, error) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, errors.New("not a safetensors file: its header is not a JSON object")
	}
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return nil, errors.New("the header is not valid JSON")
	}
	h := &header{entries: map[string]entry{}}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err := object(d, func(name string) (err error) {
		if name == metadataKey {
			h.metadata, err = metadata(d)
			return err
		}
		e, err := tensorEntry(d)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		h.entries[name] = e
		return nil
	})
	if err != nil {
		return nil, err
	}
	return h, h.checkLayout(data)
}

// checkLayout verifies that the tensors tile the data section, without overlaps, gaps,
// or bytes outside them.
func (h *header) checkLayout(data uint64) error {
	names := h.names()
	slices.SortStableFunc(names, func(a, b string) int {
		x, y := h.entries[a].offsets, h.entries[b].offsets
		return slices.Compare(x[:], y[:])
	})
	var end uint64
	for _, name := range names {
		o := h.entries[name].offsets
		if o[0] != end {
			return fmt.Errorf("tensor %q lies at %d, but the one before it ends at %d", name, o[0], end)
		}
		end = o[1]
	}
	if end != data {
		return fmt.Errorf("the tensors take %d bytes, but the file holds %d", end, data)
	}
	return nil
}

// names returns the tensors' names, sorted.
func (h *header) names() []string { return slices.Sorted(maps.Keys(h.entries)) }

func metadata(d *json.Decoder) (map[string]string, error) {
	m := map[string]string{}
	err := object(d, func(key string) (err error) {
		m[key], err = text(d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	return m, nil
}

func tensorEntry(d *json.Decoder) (e entry, err error) {
	fields := 0
	err = object(d, func(key string) (err error) {
		fields++
		switch key {
		case "dtype":
			var s string
			s, err = text(d)
			e.dtype = DType(s)
		case "shape":
			e.shape, err = numbers(d)
		case "data_offsets":
			var o []uint64
			if o, err = numbers(d); err == nil && len(o) != 2 {
				err = errors.New("data_offsets must be two numbers")
			}
			copy(e.offsets[:], o)
		default:
			err = fmt.Errorf("unknown field %q", key)
		}
		return err
	})
	if err == nil && fields != 3 {
		err = errors.New("dtype, shape and data_offsets are all needed")
	}
	if err != nil {
		return e, err
	}
	return e, e.check()
}

// check compares the shape with the bytes, so that a false shape cannot make the reader
// allocate more than the file's size suggests.
func (e *entry) check() error {
	size, ok := sizes[e.dtype]
	if !ok {
		return fmt.Errorf("unknown dtype %q", e.dtype)
	}
	e.elements = 1
	for _, n := range e.shape {
		if n != 0 && e.elements > math.MaxInt64/8/n {
			return fmt.Errorf("shape %d overflows", e.shape)
		}
		e.elements *= n
	}
	start, end := e.offsets[0], e.offsets[1]
	if start > end || end-start != e.elements*size {
		return fmt.Errorf("shape %d of %s takes %d bytes, but its offsets are %d to %d",
			e.shape, e.dtype, e.elements*size, start, end)
	}
	return nil
}

// object reads a JSON object and calls field to read the value of each key. Duplicate
// keys are an error, because readers disagree on which one counts.
func object(d *json.Decoder, field func(key string) error) error {
	if err := delim(d, '{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		key, err := text(d)
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("%q comes twice", key)
		}
		seen[key] = true
		if err := field(key); err != nil {
			return err
		}
	}
	return delim(d, '}')
}

// numbers reads an array of non-negative integers.
func numbers(d *json.Decoder) ([]uint64, error) {
	if err := delim(d, '['); err != nil {
		return nil, err
	}
	ns := []uint64{}
	for d.More() {
		text, err := value[json.Number](d, "a number")
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseUint(text.String(), 10, 63)
		if err != nil {
			return nil, fmt.Errorf("%s is not a size: it must be a whole number below 2^63", text)
		}
		ns = append(ns, n)
	}
	return ns, delim(d, ']')
}

func text(d *json.Decoder) (string, error) { return value[string](d, "a string") }

func delim(d *json.Decoder, want json.Delim) error {
	got, err := value[json.Delim](d, want.String())
	if err == nil && got != want {
		err = fmt.Errorf("%v instead of %v", got, want)
	}
	return err
}

// value reads a token of type T, in the user's terms what it is.
func value[T any](d *json.Decoder, what string) (v T, err error) {
	token, err := d.Token()
	if err != nil {
		return v, err
	}
	v, ok := token.(T)
	if !ok {
		err = fmt.Errorf("%v instead of %s", token, what)
	}
	return v, err
}
