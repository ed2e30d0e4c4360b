package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"

	"clusir/internal/userfile"
)

// File is an open safetensors file, whose tensors are read on demand.
type File struct {
	// Metadata is the header's free-form metadata; treat it as read-only.
	Metadata map[string]string

	name   string
	r      io.ReaderAt
	size   int64
	start  int64 // of the data section
	head   *header
	closer io.Closer
}

// Open opens the file at path and verifies its checksum if it has one.
func Open(path string) (*File, error) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() && !info.Mode().IsRegular() { // opening a pipe waits
		return nil, fmt.Errorf("%s is not a regular file: name a .safetensors file", path)
	}
	f, err := userfile.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	var file *File
	if err == nil {
		file, err = Read(path, f, info.Size())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	file.closer = f
	return file, nil
}

// Read opens a file of the given size; errors call it name.
func Read(name string, r io.ReaderAt, size int64) (*File, error) {
	raw, err := readHeader(r, size)
	if err != nil {
		start := make([]byte, min(size, maxMagic))
		if readAt(r, start, 0) == nil {
			if kind := kindOf(name, start); kind != "" {
				return nil, fmt.Errorf("%s is not a safetensors file but %s", name, kind)
			}
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	start := lengthSize + int64(len(raw))
	head, err := parseHeader(raw, uint64(size-start))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if head.metadata[KeyFormat] != format {
		head.unwrap()
	}
	f := &File{Metadata: head.metadata, name: name, r: r, size: size, start: start, head: head}
	if err := verify(head.metadata, raw, io.NewSectionReader(r, start, size-start)); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// Close closes the file that Open opened.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// String returns the file's name, for messages.
func (f *File) String() string { return f.name }

// Names returns the names of all tensors, sorted.
func (f *File) Names() []string { return f.head.names() }

// Within returns the tensors whose names begin with a prefix, under the rest of their
// names. Closing either file closes both.
func (f *File) Within(prefix string) *File {
	part := *f
	part.head = &header{metadata: f.head.metadata, entries: f.head.within(prefix)}
	return &part
}

// Has reports whether the file holds a tensor of that name.
func (f *File) Has(name string) bool {
	_, ok := f.head.entries[name]
	return ok
}

// Config decodes the model's configuration into dst. Unknown fields are errors, because
// they would change the meaning of the weights.
func (f *File) Config(dst any) error {
	text, ok := f.Metadata[KeyConfig]
	if !ok {
		return fmt.Errorf("%s: its metadata hold no model configuration: give one with --model-config FILE", f.name)
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	err := d.Decode(dst)
	if err == nil && d.More() {
		err = errors.New("more than one JSON value")
	}
	if err != nil {
		return fmt.Errorf("%s: model configuration in the metadata: %w", f.name, userfile.PlainJSON(err))
	}
	return nil
}

// Step returns the number of optimiser steps behind the weights, 0 if the file does not
// say.
func (f *File) Step() (int, error) {
	text, ok := f.Metadata[KeyStep]
	if !ok {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%s: step %q in the metadata is not a count", f.name, text)
	}
	return int(n), nil
}

// Tensor reads one tensor and converts it to float32.
func (f *File) Tensor(name string) (Tensor, error) {
	e, ok := f.head.entries[name]
	if !ok {
		return Tensor{}, fmt.Errorf("%s: no tensor %q", f.name, name)
	}
	if !slices.Contains([]DType{F64, F32, F16, BF16}, e.dtype) {
		return Tensor{}, fmt.Errorf("%s: tensor %q is %s: weights must be F64, F32, F16 or BF16", f.name, name, e.dtype)
	}
	if e.elements == 0 {
		return Tensor{}, fmt.Errorf("%s: tensor %q is empty: shape %d", f.name, name, e.shape)
	}
	data := make([]float32, e.elements)
	if err := f.fill(data, e); err != nil {
		return Tensor{}, fmt.Errorf("%s: tensor %q: %w", f.name, name, err)
	}
	if err := finite(data); err != nil {
		return Tensor{}, fmt.Errorf("%s: tensor %q %w", f.name, name, err)
	}
	return New(name, e.ints(), data), nil
}

// finite refuses values that are not finite, which would make every result so.
func finite(data []float32) error {
	const exponent = 0x7f800000 // all of its bits are set in infinities and NaN
	for i, x := range data {
		if math.Float32bits(x)&exponent == exponent {
			return fmt.Errorf("holds %g at place %d: its training diverged, or the file is damaged; use an earlier checkpoint", x, i)
		}
	}
	return nil
}

// chunk is the number of elements converted at a time.
const chunk = 1 << 14

func (f *File) fill(data []float32, e entry) error {
	size := int(sizes[e.dtype])
	at := f.start + int64(e.offsets[0])
	buf := make([]byte, size*min(chunk, len(data)))
	for part := range slices.Chunk(data, chunk) {
		b := buf[:size*len(part)]
		if err := readAt(f.r, b, at); err != nil {
			return err
		}
		decode(part, b, e.dtype)
		at += int64(len(b))
	}
	return nil
}

func (e entry) ints() []int {
	shape := make([]int, len(e.shape))
	for i, n := range e.shape {
		shape[i] = int(n)
	}
	return shape
}
