package checkpoint

import (
	"fmt"
	"strings"
	"testing"
)

// TestForeignFiles: the error for a file of another format names the format.
func TestForeignFiles(t *testing.T) {
	for _, c := range []struct{ name, start, want string }{
		{"a/net_g.pth", "PK\x03\x04", `torch.load("net_g.pth", map_location="cpu", weights_only=True)`},
		{"a/net_g.pth", "PK\x03\x04", `save_file({k: v.clone().contiguous() for k, v in w.items() if torch.is_tensor(v)}, "net_g.safetensors")`},
		{"old.pt", "\x80\x02\x8a\x0a", "a PyTorch pickle"},
		{"x.bin", "\x80\x04", "a PyTorch pickle"},
		{"x.h5", "\x89HDF\r\n\x1a\n", "a HDF5 file"},
		{"x.gguf", "GGUF\x03\x00\x00\x00", "a GGUF file"},
		{"x.onnx", "\x08\x08\x12\x07pytorch", "an ONNX file"},
		{"x.safetensors", "version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"},
		{"x.safetensors", "0123456789", "does not begin with the length of a header"},
		{"x.safetensors", "\x08\x00\x00\x00\x00\x00\x00\x00{", "cut short"},
		{"x.png", "\x89PNG\r\n\x1a\n", "a picture (PNG)"},
		{"x.jpg", "\xff\xd8\xff\xe0", "a picture (JPEG)"},
		{"tiny.pth", "PK\x03\x04", "a PyTorch pickle"},
		{"empty", "", "too short"},
	} {
		if _, err := parse(c.name, []byte(c.start)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// TestWrappers: prefixes that PyTorch's wrappers add to every name are removed; a
// prefix that only some names have stays.
func TestWrappers(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"module.a", "module.b.c"}, "[a b.c]"},
		{[]string{"params.module.a", "params.module.b"}, "[a b]"},
		{[]string{"_orig_mod.a", "_orig_mod.b.c"}, "[a b.c]"},
		{[]string{"module._orig_mod.a", "module._orig_mod.b"}, "[a b]"},
		{[]string{"_orig_mod.module.a", "_orig_mod.module.b"}, "[a b]"},
		{[]string{"module.a", "b"}, "[b module.a]"},
		{[]string{"module."}, "[module.]"},
		{[]string{"modulea", "moduleb"}, "[modulea moduleb]"},
		{nil, "[]"},
	} {
		var entries []string
		for i, n := range c.names {
			entries = append(entries, fmt.Sprintf(`%q:{"dtype":"F32","shape":[1],"data_offsets":[%d,%d]}`, n, 4*i, 4*i+4))
		}
		f := parsed(t, assemble("{"+strings.Join(entries, ",")+"}", 4*len(c.names)))
		if got := fmt.Sprint(f.Names()); got != c.want {
			t.Errorf("%q are read as %s, want %s", c.names, got, c.want)
		}
	}
}

// TestFaultsAreSummedUp: of many tensors that do not fit, a few are named and all are
// counted.
func TestFaultsAreSummedUp(t *testing.T) {
	f := parsed(t, encoded(t, sample()))
	var want []Spec
	for i := range 374 {
		want = append(want, Spec{fmt.Sprint("w", i), []int{1}})
	}
	_, err := f.Load(want)
	if err == nil || strings.Count(err.Error(), "\n") > 8 {
		t.Fatalf("error %v", err)
	}
	for _, part := range []string{"in 377 of its tensors", "missing    w0 [1]", "missing    and 371 more", "unexpected large"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q:\n%v", part, err)
		}
	}
}
