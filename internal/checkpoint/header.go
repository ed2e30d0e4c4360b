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

type header struct {
	metadata map[string]string
	entries  map[string]entry
}

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
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := unique(d); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	h := &header{entries: map[string]entry{}}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		text, err := members[name], error(nil)
		if name == metadataKey {
			if json.Unmarshal(text, &h.metadata) != nil {
				err = errors.New("metadata must be an object of strings")
			}
		} else if h.entries[name], err = tensorEntry(text); err != nil {
			err = fmt.Errorf("tensor %q: %w", name, err)
		}
		if err != nil {
			return nil, err
		}
	}
	return h, h.checkLayout(data)
}

// unique refuses objects that have a key twice, because readers disagree on which one
// counts. d is in front of a value.
func unique(d *json.Decoder) error {
	token, err := d.Token()
	if _, opens := token.(json.Delim); !opens {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		if token == json.Delim('{') {
			key, err := d.Token()
			name, _ := key.(string)
			if err == nil && seen[name] {
				err = fmt.Errorf("%q comes twice", name)
			}
			if err != nil {
				return err
			}
			seen[name] = true
		}
		if err := unique(d); err != nil {
			return err
		}
	}
	_, err = d.Token() // what closes it
	return err
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

func (h *header) names() []string { return slices.Sorted(maps.Keys(h.entries)) }

func tensorEntry(text json.RawMessage) (e entry, err error) {
	var fields map[string]json.RawMessage
	var offsets []uint64
	if json.Unmarshal(text, &fields) != nil || len(fields) != 3 {
		return e, errors.New("it must have dtype, shape and data_offsets, and nothing else")
	}
	if json.Unmarshal(fields["dtype"], &e.dtype) != nil {
		return e, errors.New("dtype must be a string")
	}
	if e.shape, err = numbers(fields, "shape"); err != nil {
		return e, err
	}
	if offsets, err = numbers(fields, "data_offsets"); err == nil && len(offsets) != 2 {
		err = errors.New("data_offsets must be two numbers")
	}
	if err != nil {
		return e, err
	}
	copy(e.offsets[:], offsets)
	return e, e.check()
}

// numbers reads a field with a list of non-negative integers.
func numbers(fields map[string]json.RawMessage, name string) (ns []uint64, err error) {
	text := fields[name]
	tooLarge := func(n uint64) bool { return n > math.MaxInt64 }
	if json.Unmarshal(text, &ns) != nil || bytes.Contains(text, []byte("null")) || slices.ContainsFunc(ns, tooLarge) {
		return nil, fmt.Errorf("%s must be a list of whole numbers below 2^63, not %.40s", name, text)
	}
	return ns, nil
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
