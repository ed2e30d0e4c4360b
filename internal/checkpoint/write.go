package checkpoint

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"gorgonia.org/tensor"

	"clusir/internal/atomicfile"
)

// Contents are the contents of a file to be written.
type Contents struct {
	Tensors []Tensor
	// Config is stored as JSON; nil stores none.
	Config any
	Step   int
	// Metadata holds additional keys, which must differ from this package's.
	Metadata map[string]string
	// DType is F32, the default, or F16.
	DType DType
}

// Write writes c to path, under a temporary name first, so that path never holds an
// incomplete file.
func Write(path string, c Contents) error {
	return atomicfile.Write(path, func(w io.Writer) error { return Encode(w, c) })
}

// Encode writes c to w.
func Encode(w io.Writer, c Contents) error {
	c.DType = cmp.Or(c.DType, F32)
	c.Tensors = slices.Clone(c.Tensors)
	slices.SortFunc(c.Tensors, func(a, b Tensor) int { return cmp.Compare(a.Name, b.Name) })
	if err := c.check(); err != nil {
		return err
	}
	raw, err := c.header()
	if err != nil {
		return err
	}
	// The digest precedes what it covers, so one pass computes it and another one
	// writes.
	sum := sha256.New()
	sum.Write(raw)
	if err := c.data(sum); err != nil {
		return err
	}
	raw = bytes.Replace(raw, field(noDigest), field(hex.EncodeToString(sum.Sum(nil))), 1)
	if err := binary.Write(w, binary.LittleEndian, uint64(len(raw))); err != nil {
		return err
	}
	if _, err := w.Write(raw); err != nil {
		return err
	}
	return c.data(w)
}

// check refuses contents that could not be read back.
func (c Contents) check() error {
	if c.DType != F32 && c.DType != F16 {
		return fmt.Errorf("cannot store weights as %q: choose F32 or F16", c.DType)
	}
	for i, t := range c.Tensors {
		if t.Name == "" || t.Name == metadataKey || !utf8.ValidString(t.Name) {
			return fmt.Errorf("%q is not a valid name for a tensor", t.Name)
		}
		if i > 0 && t.Name == c.Tensors[i-1].Name {
			return fmt.Errorf("tensor %q is given twice", t.Name)
		}
		if t.Value.Dtype() != tensor.Float32 || t.Value.RequiresIterator() {
			return fmt.Errorf("tensor %q is not contiguous float32", t.Name)
		}
		if c.DType == F16 {
			if err := fitsHalf(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// fitsHalf refuses values that would become infinite as F16.
func fitsHalf(t Tensor) error {
	for _, x := range t.Data() {
		if h := toHalf(x); h&0x7fff == halfInf && !math.IsInf(float64(x), 0) {
			return fmt.Errorf("tensor %q holds %g, which float16 cannot: its largest is %d; store it as F32", t.Name, x, halfMax)
		}
	}
	return nil
}

// header lays out the tensors in the order of their names, as JSON sorted by key.
func (c Contents) header() ([]byte, error) {
	meta := maps.Clone(c.Metadata)
	if meta == nil {
		meta = map[string]string{}
	}
	for _, key := range []string{KeyFormat, KeyConfig, KeyStep, KeySHA256} {
		if _, ok := meta[key]; ok {
			return nil, fmt.Errorf("metadata key %q is set by the package itself", key)
		}
	}
	meta[KeyFormat], meta[KeyStep], meta[KeySHA256] = format, strconv.Itoa(c.Step), noDigest
	if c.Config != nil {
		text, err := json.Marshal(c.Config)
		if err != nil {
			return nil, err
		}
		meta[KeyConfig] = string(text)
	}
	head := map[string]any{metadataKey: meta}
	end := uint64(0)
	for _, t := range c.Tensors {
		start := end
		end += uint64(len(t.Data())) * sizes[c.DType]
		head[t.Name] = struct {
			DType   DType     `json:"dtype"`
			Shape   []int     `json:"shape"`
			Offsets [2]uint64 `json:"data_offsets"`
		}{c.DType, t.Shape(), [2]uint64{start, end}}
	}
	raw, err := json.Marshal(head)
	for len(raw)%lengthSize != 0 { // the format pads with spaces to align the data
		raw = append(raw, ' ')
	}
	return raw, err
}

func (c Contents) data(w io.Writer) error {
	size := int(sizes[c.DType])
	buf := make([]byte, size*chunk)
	for _, t := range c.Tensors {
		for part := range slices.Chunk(t.Data(), chunk) {
			b := buf[:size*len(part)]
			encode(b, part, c.DType)
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
	}
	return nil
}
