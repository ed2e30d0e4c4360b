package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
)

// assemble builds a file from a header's text and a number of data bytes.
func assemble(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	for i := range data {
		b = append(b, byte(i))
	}
	return b
}

// sample is a small set of weights with odd sizes.
func sample() Contents {
	ramp := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i)/8 - 1
		}
		return x
	}
	return Contents{
		Tensors: []Tensor{
			New("stem.weight", []int{2, 3, 3, 1}, ramp(18)),
			New("head.bias", []int{5}, ramp(5)),
			New("large", []int{chunk + 3}, ramp(chunk+3)),
		},
		Config:   map[string]any{"dim": 2, "heads": []int{1, 2}},
		Step:     42,
		Metadata: map[string]string{"note": `a "quoted" note`},
	}
}

func encoded(t testing.TB, c Contents) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Encode(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func parsed(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := parse("memory", b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// equal describes the difference of two tensors, "" if there is none.
func equal(got, want Tensor) string {
	if got.Name != want.Name || fmt.Sprint(got.Shape()) != fmt.Sprint(want.Shape()) {
		return fmt.Sprintf("%s %d is not %s %d", got.Name, got.Shape(), want.Name, want.Shape())
	}
	for i, x := range want.Data() {
		if got.Data()[i] != x {
			return fmt.Sprintf("%s[%d] is %v, not %v", want.Name, i, got.Data()[i], x)
		}
	}
	return ""
}

// parse opens a file in memory.
func parse(name string, b []byte) (*File, error) {
	return Read(name, bytes.NewReader(b), int64(len(b)))
}
