package checkpoint

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gorgonia.org/tensor"
)

func TestRoundTrip(t *testing.T) {
	for _, dtype := range []DType{"", F32, F16} {
		c := sample()
		c.DType = dtype
		path := filepath.Join(t.TempDir(), "a.safetensors")
		if err := Write(path, c); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range c.Tensors {
			got, err := f.Tensor(want.Name)
			if err != nil {
				t.Fatal(err)
			}
			if dtype == F16 {
				for i, x := range want.Data() {
					want.Data()[i] = fromHalf(toHalf(x))
				}
			}
			if s := equal(got, want); s != "" {
				t.Errorf("%q: %s", dtype, s)
			}
		}
		if step, err := f.Step(); step != 42 || err != nil || f.Metadata["note"] != `a "quoted" note` {
			t.Errorf("step %d, %v, metadata %v", step, err, f.Metadata)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFloat32KeepsEveryBit(t *testing.T) {
	bits := []uint32{0, 1 << 31, 1, 0x00800000, 0xff7fffff, 0x3f800001, 0x807fffff, 0x7f7fffff}
	data := make([]float32, len(bits))
	for i, b := range bits {
		data[i] = math.Float32frombits(b)
	}
	got, err := parsed(t, encoded(t, Contents{Tensors: []Tensor{New("x", []int{8}, data)}})).Tensor("x")
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range bits {
		if g := math.Float32bits(got.Data()[i]); g != b {
			t.Errorf("%#x became %#x", b, g)
		}
	}
}

func TestEqualContentsAreEqualBytes(t *testing.T) {
	a, b := sample(), sample()
	b.Tensors[0], b.Tensors[2] = b.Tensors[2], b.Tensors[0]
	first := encoded(t, a)
	if !bytes.Equal(first, encoded(t, b)) {
		t.Error("the order of the tensors changes the file")
	}
	n := binary.LittleEndian.Uint64(first)
	if n%lengthSize != 0 {
		t.Errorf("the data start at %d, unaligned", lengthSize+n)
	}
	b.Step++
	if bytes.Equal(first, encoded(t, b)) {
		t.Error("another step, but the same bytes")
	}
}

// TestEveryFlippedBitIsNoticed flips each bit of the header and some of the data,
// including the whitespace of the padding.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	c := sample()
	c.Tensors = c.Tensors[:2]
	file := encoded(t, c)
	for i := range file {
		for bit := range 8 {
			b := bytes.Clone(file)
			b[i] ^= 1 << bit
			if _, err := parse("flipped", b); err == nil {
				t.Fatalf("bit %d of byte %d of %d: not noticed\n%s", bit, i, len(file), b)
			}
		}
	}
	for n := range len(file) {
		if _, err := parse("short", file[:n]); err == nil {
			t.Fatalf("cut to %d of %d bytes: not noticed", n, len(file))
		}
	}
}

func TestRefusedContents(t *testing.T) {
	one := func(name string, v ...float32) Tensor { return New(name, []int{len(v)}, v) }
	view, err := New("v", []int{3, 2}, make([]float32, 6)).Value.Slice(nil, tensor.S(0))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		c    Contents
		want string
	}{
		{"twice", Contents{Tensors: []Tensor{one("a", 1), one("a", 2)}}, "given twice"},
		{"no name", Contents{Tensors: []Tensor{one("", 1)}}, "not a valid name"},
		{"the metadata's name", Contents{Tensors: []Tensor{one("__metadata__", 1)}}, "not a valid name"},
		{"bad UTF-8", Contents{Tensors: []Tensor{one("\xff", 1)}}, "not a valid name"},
		{"dtype", Contents{DType: BF16}, "F32 or F16"},
		{"beyond a half", Contents{DType: F16, Tensors: []Tensor{one("a", 1, 65520)}}, `"a" holds 65520`},
		{"own key", Contents{Metadata: map[string]string{"step": "1"}}, `"step" is set`},
		{"config", Contents{Config: func() {}}, "unsupported type"},
		{"float64", Contents{Tensors: []Tensor{{"a", tensor.New(tensor.WithBacking([]float64{1}))}}}, "contiguous float32"},
		{"view", Contents{Tensors: []Tensor{{"a", view.(*tensor.Dense)}}}, "contiguous float32"},
	} {
		path := filepath.Join(t.TempDir(), "out")
		if err := Write(path, c.c); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a file was left", c.name)
		}
	}
}

// failing stands for a full disk.
type failing struct{ left int }

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, os.ErrClosed
	}
	return len(b), nil
}

func TestEncodeReportsWriteErrors(t *testing.T) {
	size := len(encoded(t, sample()))
	for _, left := range []int{0, lengthSize, 200, 1000, size - 1} {
		if err := Encode(&failing{left}, sample()); err == nil {
			t.Errorf("no error with room for %d bytes of %d", left, size)
		}
	}
}
