package userfile

import (
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// ReadText reads a whole text file as UTF-8 without a byte order mark, in any of
// Windows's encodings: see Decode.
func ReadText(path string) ([]byte, error) {
	raw, err := Read(path)
	if err != nil {
		return nil, err
	}
	return Decode(raw), nil
}

// Decode returns a text as UTF-8. It recognises UTF-16, which PowerShell writes, by its
// byte order mark, and replaces invalid text by U+FFFD. Line endings stay as they are.
func Decode(raw []byte) []byte {
	text, _, err := transform.Bytes(unicode.BOMOverride(encoding.Nop.NewDecoder()), raw)
	if err != nil {
		panic(err) // it replaces what it cannot decode
	}
	return text
}
