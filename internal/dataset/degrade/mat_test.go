package degrade

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/sharedtest"
)

// matFile writes MAT-files for tests.
type matFile struct {
	order interface {
		binary.ByteOrder
		binary.AppendByteOrder
	}
}

func (f matFile) header() []byte {
	b := append([]byte("MATLAB 5.0 MAT-file"), bytes.Repeat([]byte(" "), 105)...)
	if f.order.Uint16([]byte{0, 1}) == 1 {
		return append(b, 1, 0, 'M', 'I')
	}
	return append(b, 0, 1, 'I', 'M')
}

func (f matFile) word(v uint32) []byte { return f.order.AppendUint32(nil, v) }

func (f matFile) element(kind uint32, data ...byte) []byte {
	b := slices.Concat(f.word(kind), f.word(uint32(len(data))), data)
	if kind != miCompressed {
		b = append(b, make([]byte, (8-len(b)%8)%8)...)
	}
	return b
}

func (f matFile) array(class, flags uint32, dims []uint32, body []byte) []byte {
	var d []byte
	for _, n := range dims {
		d = append(d, f.word(n)...)
	}
	name := slices.Concat(f.word(1<<16|1), []byte("k\x00\x00\x00")) // a small element
	return f.element(miMatrix, slices.Concat(f.element(6, slices.Concat(f.word(flags|class), f.word(0))...), f.element(5, d...), name, body)...)
}

func (f matFile) doubles(v ...float64) []byte {
	var b []byte
	for _, x := range v {
		b = f.order.AppendUint64(b, math.Float64bits(x))
	}
	return f.element(9, b...)
}

func pack(b []byte) []byte {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

func TestParseMAT(t *testing.T) {
	want := Kernel{3, 2, []float32{.1, .2, 0, .3, .4, 0}} // stored by columns
	for _, f := range []matFile{{binary.LittleEndian}, {binary.BigEndian}} {
		body := f.array(mxDouble, 0, []uint32{2, 3}, f.doubles(1, 3, 2, 4, 0, 0))
		bytesBody := f.array(9, 0, []uint32{2, 3}, f.element(2, 1, 3, 2, 4, 0, 0))
		text := f.array(4, 0, []uint32{1, 4}, f.element(4, 1, 2, 3, 4))
		complexBody := f.array(mxDouble, 0x800, []uint32{2, 1}, slices.Concat(f.doubles(1, 2), f.doubles(3, 4)))
		negative := f.array(mxDouble, 0, []uint32{2, 1}, f.doubles(-1, 2))
		infinite := f.array(mxDouble, 0, []uint32{2, 1}, f.doubles(1, math.Inf(1)))
		for name, elements := range map[string][]byte{
			"plain":      body,
			"uint8":      bytesBody,
			"cell":       f.array(mxCell, 0, []uint32{1, 3}, slices.Concat(f.element(miMatrix), text, body)),
			"compressed": f.element(miCompressed, pack(body)...),
			"others":     slices.Concat(text, complexBody, negative, infinite, body),
		} {
			got, err := parseMAT(append(f.header(), elements...))
			if err != nil || len(got) != 1 {
				t.Errorf("%v %s: %d kernels, %v", f.order, name, len(got), err)
				continue
			}
			if got[0].W != want.W || got[0].H != want.H {
				t.Errorf("%v %s: %d×%d", f.order, name, got[0].W, got[0].H)
			}
			closeTo(t, name, got[0].Weights, want.Weights, 1e-7)
		}
	}
}

func TestParseMATErrors(t *testing.T) {
	f := matFile{binary.LittleEndian}
	good := append(f.header(), f.array(mxDouble, 0, []uint32{2, 1}, f.doubles(1, 2))...)
	nested := f.array(mxDouble, 0, []uint32{2, 1}, f.doubles(1, 2))
	for range 12 {
		nested = f.array(mxCell, 0, []uint32{1, 1}, nested)
	}
	for want, text := range map[string][]byte{
		"MATLAB 7.3":                  []byte("MATLAB 7.3 MAT-file, and more"),
		"not a MATLAB level 5 file":   []byte("a text"),
		"no byte order mark":          append(f.header()[:126], "xx"...),
		"holds no two-dimensional":    f.header(),
		"unexpected EOF":              good[:len(good)-9],
		"has 8 bytes of type 9":       append(f.header(), f.array(mxDouble, 0, []uint32{2, 1}, f.doubles(1))...),
		"nested too deeply":           append(f.header(), nested...),
		"compressed data within":      append(f.header(), f.element(miCompressed, pack(f.element(miCompressed, pack(nil)...))...)...),
		"too many for blur kernels":   append(f.header(), f.element(miCompressed, pack(make([]byte, maxMatBytes+1))...)...),
		"zlib: invalid header":        append(f.header(), f.element(miCompressed, 1, 2, 3)...),
		"without flags or dimensions": append(f.header(), f.element(miMatrix, slices.Concat(f.element(6), f.element(5), f.element(1))...)...),
	} {
		if _, err := parseMAT(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one that says %q", err, want)
		}
	}
}

func TestReadKernels(t *testing.T) {
	kernels, err := ReadKernels(sharedtest.Shared(t, "data/kernels/kernels_12.mat"))
	if err != nil || len(kernels) != 12 {
		t.Fatalf("%d kernels, %v; want 12", len(kernels), err)
	}
	for i, k := range kernels {
		sum := float32(0)
		for _, w := range k.Weights {
			sum += w
		}
		if k.W != 25 || k.H != 25 || math.Abs(float64(sum)-1) > 1e-5 {
			t.Errorf("kernel %d is %d×%d and sums to %g", i, k.W, k.H, sum)
		}
	}
	path := sharedtest.Shared(t, "data/kernels/Levin09.mat")
	if _, err := ReadKernels(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "-v7") {
		t.Errorf("a file of version 7.3 gives %v", err)
	}
	if _, err := ReadKernels(filepath.Join(t.TempDir(), "none.mat")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
}

func FuzzParseMAT(f *testing.F) {
	for _, m := range []matFile{{binary.LittleEndian}, {binary.BigEndian}} {
		body := m.array(mxDouble, 0, []uint32{2, 3}, m.doubles(1, 3, 2, 4, 0, 0))
		f.Add(append(m.header(), body...))
		f.Add(append(m.header(), m.array(mxCell, 0, []uint32{1, 1}, body)...))
		f.Add(append(m.header(), m.element(miCompressed, pack(body)...)...))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		kernels, err := parseMAT(text)
		if (err == nil) != (len(kernels) > 0) {
			t.Fatalf("%d kernels and error %v", len(kernels), err)
		}
		for _, k := range kernels {
			if len(k.Weights) != k.W*k.H || k.W > maxKernelSide || k.H > maxKernelSide {
				t.Fatalf("kernel of %d×%d with %d weights", k.W, k.H, len(k.Weights))
			}
		}
	})
}
