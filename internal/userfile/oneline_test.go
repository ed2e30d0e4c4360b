package userfile

import (
	"errors"
	"testing"
	"unicode/utf8"
)

// TestText: different names remain different in JSON.
func TestText(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "näme\n日本.png": "näme\n日本.png", "a\xff": `a\xff`, "a\xfe\xff\t": `a\xfe\xff` + "\t", "\ufffd": "\ufffd",
	} {
		if got := Text(name); got != want || !utf8.ValidString(got) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"plain näme 日本.png":      "plain näme 日本.png",
		"new\nline.png":          `new\nline.png`,
		"\x1b[31mred\x1b[0m.png": `\x1b[31mred\x1b[0m.png`,
		"tab\t\r.png":            `tab\t\r.png`,
		"\xff\xfe.png":           `\xff\xfe.png`,
		"a\u202egnp.exe":         `a\u202egnp.exe`,
		"\u2067x\u2069\u200f":    `\u2067x\u2069` + "\u200f",
		"\u009b31m.png":          `\u009b31m.png`,
		"e\u0301\ufffd \" '.png": "e\u0301\ufffd \" '.png",
		`back\slash.png`:         `back\slash.png`,
	} {
		if got := OneLine(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	if got := Lines("a\x1b\n\tb\tc\r\n"); got != "a\\x1b\n\tb\\tc\\r\n" {
		t.Errorf("%q", got)
	}
	if err := InOneLine(ErrFolder); !errors.Is(err, ErrFolder) || InOneLine(nil) != nil {
		t.Errorf("%v is not what it was", err)
	}
}
