package imageio

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// sniffLen is how much of a file's beginning sniff wants to see.
const sniffLen = 512

// signature is how files begin that are not read.
type signature struct {
	prefix string
	other  string // what they are
	raw    string // the camera's raw format if it is one
}

var signatures = []signature{
	{prefix: "II*\x00\x10\x00\x00\x00CR\x02\x00", raw: "Canon CR2"},
	{prefix: "II*\x00....IIII.waR", raw: "Phase One IIQ"},
	{prefix: "MM\x00*....MMMMRaw.", raw: "Phase One IIQ"},
	{prefix: "GIF8", other: "a GIF"},
	{prefix: "....ftypavif", other: "an AVIF"},
	{prefix: "....ftypavis", other: "an AVIF"},
	{prefix: "....ftyphei", other: "a HEIC"},
	{prefix: "....ftyphev", other: "a HEIC"},
	{prefix: "....ftypmif1", other: "a HEIF"},
	{prefix: "....ftypcrx", raw: "Canon CR3"},
	{prefix: "....ftyp", other: "a video or another ISO media file"},
	{prefix: "\xff\x0a", other: "a JPEG XL"},
	{prefix: "\x00\x00\x00\x0cJXL ", other: "a JPEG XL"},
	{prefix: "\x00\x00\x00\x0cjP  ", other: "a JPEG 2000"},
	{prefix: "\xff\x4f\xff\x51", other: "a JPEG 2000"},
	{prefix: "8BPS", other: "a Photoshop document"},
	{prefix: "v/1\x01", other: "an OpenEXR"},
	{prefix: "#?RADIANCE", other: "a Radiance HDR"},
	{prefix: "%PDF", other: "a PDF"},
	{prefix: "PK\x03\x04", other: "a ZIP archive"},
	{prefix: "\x1f\x8b", other: "a gzip archive"},
	{prefix: "II\x1a\x00\x00\x00HEAP", raw: "Canon CRW"},
	{prefix: "FUJIFILMCCD-RAW", raw: "Fujifilm RAF"},
	{prefix: "IIU\x00", raw: "Panasonic RW2"},
	{prefix: "IIRO", raw: "Olympus ORF"},
	{prefix: "IIRS", raw: "Olympus ORF"},
	{prefix: "MMOR", raw: "Olympus ORF"},
	{prefix: "\x00MRM", raw: "Minolta MRW"},
	{prefix: "FOVb", raw: "Sigma X3F"},
	{prefix: "\x93NUMPY", other: "a NumPy array"},
}

// begins tells whether a file begins so; a dot in prefix stands for any byte.
func begins(head []byte, prefix string) bool {
	if len(head) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if prefix[i] != '.' && prefix[i] != head[i] {
			return false
		}
	}
	return true
}

// sniff tells a file's format from its beginning, whatever its name.
func sniff(head []byte) (Format, error) {
	if len(head) == 0 {
		return 0, errors.New("is not an image: it is empty")
	}
	for _, s := range signatures {
		switch {
		case !begins(head, s.prefix):
		case s.raw != "":
			return 0, rawFile(s.raw)
		case s.other != "":
			return 0, fmt.Errorf("is %s, %w", s.other, errUnsupported)
		}
	}
	for _, f := range Formats {
		if slices.ContainsFunc(rowOf(f).magic, func(prefix string) bool { return begins(head, prefix) }) {
			return f, nil
		}
	}
	if begins(head, "\x89PNG") {
		return 0, damaged(PNG, "its first bytes were changed, as by a transfer of files as text")
	}
	if isText(head) {
		return 0, errors.New("is not an image: its content looks like text")
	}
	return 0, errors.New("is not an image that can be read: it begins like no " + holding(func(formatRow) bool { return true }))
}

// isText tells whether head is UTF-8 without control characters. Its last
// character may be cut.
func isText(head []byte) bool {
	for cut := 0; cut < utf8.UTFMax && cut < len(head) && !utf8.Valid(head); cut++ {
		head = head[:len(head)-1]
	}
	control := func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' }
	return utf8.Valid(head) && !bytes.ContainsFunc(head, control)
}
