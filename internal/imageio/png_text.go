package imageio

import (
	"bytes"
	"encoding/hex"
	"strconv"
)

// rawProfile decodes what ImageMagick and ExifTool put into a text before there were
// chunks for it: a name, a length and lines of hexadecimal digits.
func rawProfile(text []byte) (data []byte, ok bool) {
	_, rest, ok := bytes.Cut(bytes.TrimLeft(text, "\n"), []byte("\n"))
	if !ok {
		return nil, false
	}
	number, digits, ok := bytes.Cut(bytes.TrimLeft(rest, " \n"), []byte("\n"))
	n, err := strconv.Atoi(string(bytes.TrimSpace(number)))
	if !ok || err != nil {
		return nil, false
	}
	digits = bytes.Join(bytes.Fields(digits), nil)
	data = make([]byte, len(digits)/2)
	if _, err := hex.Decode(data, digits[:len(digits)/2*2]); err != nil || n > len(data) || n < 0 {
		return nil, false
	}
	return data[:n], true
}

// takeText uses the EXIF or XMP in a text chunk, and reports whether there is any. That
// of tEXt and zTXt counts if the file does not have it in its own chunks.
func (f *pngFile) takeText(kind string, data []byte) bool {
	if kind == "iTXt" {
		xmp := pngXMP(data, f.meter)
		if xmp != nil {
			f.xmp = xmp
		}
		return xmp != nil
	}
	const raw = "Raw profile type "
	if kind != "tEXt" && kind != "zTXt" || !bytes.HasPrefix(data, []byte(raw)) {
		return false
	}
	keyword, text, ok := bytes.Cut(data, []byte{0})
	if ok && kind == "zTXt" {
		if ok = len(text) > 0 && text[0] == 0; ok {
			text = inflate(text[1:], f.meter)
		}
	}
	profile, sound := rawProfile(text)
	switch name := string(keyword[min(len(keyword), len(raw)):]); {
	case !ok || !sound:
		return false
	case name == "xmp" || bytes.HasPrefix(profile, []byte(xmpHead)):
		f.rawXMP = bytes.TrimPrefix(profile, []byte(xmpHead))
	case name == "exif" || name == "APP1":
		f.rawEXIF = bytes.TrimPrefix(profile, []byte(exifHead))
	default:
		return false
	}
	return true
}
