package userfile

import (
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// ReadText reads a whole file of text as UTF-8 without a byte order mark, in whatever
// form Windows gives it: see Decode.
func ReadText(path string) ([]byte, error) {
	raw, err := Read(path)
	if err != nil {
		return nil, err
	}
	return Decode(raw), nil
}

// Decode returns a text as UTF-8. UTF-16, which PowerShell writes, is known by its mark;
// what is no text in it becomes U+FFFD. Ends of lines stay as they are.
func Decode(raw []byte) []byte {
	text, _, err := transform.Bytes(unicode.BOMOverride(encoding.Nop.NewDecoder()), raw)
	if err != nil {
		panic(err) // it replaces what it cannot decode
	}
	return text
}
