package userfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReadText(t *testing.T) {
	for name, c := range map[string]struct{ raw, want string }{
		"plain":                 {"ä\r\nb", "ä\r\nb"},
		"empty":                 {"", ""},
		"UTF-8 with a mark":     {"\xef\xbb\xbfä\n", "ä\n"},
		"UTF-16, little":        {"\xff\xfe\xe4\x00\r\x00\n\x00", "ä\r\n"},
		"UTF-16, big":           {"\xfe\xff\x00\xe4\x00\n", "ä\n"},
		"UTF-16, beyond 65535":  {"\xff\xfe\x3d\xd8\x00\xde", "😀"},
		"UTF-16, half a letter": {"\xff\xfea\x00b", "a\ufffd"},
		"no text":               {"\x89PNG\x00\xff", "\x89PNG\x00\xff"},
	} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(c.raw), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadText(path); err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "a", "\xff\xfea\x00", "\xfe\xff\xd8\x00", "\xef\xbb\xbf"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(_ *testing.T, raw []byte) { Decode(raw) })
}
