package checkpoint

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzParse parses arbitrary bytes. Any file that is accepted can be read in full and,
// if it holds only weights, survives being written and read again.
func FuzzParse(f *testing.F) {
	f.Add([]byte{})
	f.Add(assemble(`{"a":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]},"b":{"dtype":"I64","shape":[],"data_offsets":[4,12]}}`, 12))
	f.Add(assemble(`{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[0],"data_offsets":[0,0]}}`, 0))
	small := sample()
	small.Tensors = small.Tensors[:2]
	for _, small.DType = range []DType{F32, F16} {
		f.Add(encoded(f, small))
	}
	paths, err := filepath.Glob("testdata/*.safetensors")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds in testdata: %v", err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := parse("fuzz", b)
		if err != nil {
			return
		}
		var c Contents
		for _, name := range file.Names() {
			x, err := file.Tensor(name)
			if err != nil {
				continue // not weights; must not panic
			}
			if len(x.Data()) > len(b) {
				t.Fatalf("%d elements out of %d bytes", len(x.Data()), len(b))
			}
			c.Tensors = append(c.Tensors, x)
		}
		var again bytes.Buffer
		if err := Encode(&again, c); err != nil {
			return // for example a name that cannot be written
		}
		for i, x := range c.Tensors {
			y, err := parsed(t, again.Bytes()).Tensor(x.Name)
			if err != nil || !bytes.Equal(raw(x), raw(y)) {
				t.Fatalf("tensor %d, %q: changed, %v", i, x.Name, err)
			}
		}
	})
}

// raw returns a tensor's bits, so that NaNs compare equal.
func raw(t Tensor) []byte {
	b := make([]byte, 4*len(t.Data()))
	encode(b, t.Data(), F32)
	return b
}
