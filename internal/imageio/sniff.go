package imageio

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// sniffLen is how much of a file's beginning sniff needs.
const sniffLen = 512

// signature is the beginning of a format that cannot be read.
type signature struct {
	at     int // offset of prefix
	prefix string
	other  string // what such files are
	raw    string // the camera's raw format, if it is one
	remedy string // what to do first; convertFirst if empty
}

// ErrOther is in the error of a file in a known format that is not read.
var ErrOther = errors.New("cannot be read")

// Remedies for files that are not pictures themselves.
const (
	unpackFirst = "unpack it first, and name what is in it"
	frameFirst  = "take a picture out of it first, as FFmpeg does by: ffmpeg -i FILE -frames:v 1 new.png"
	pagesFirst  = "turn its pages into pictures first, as Poppler does by: pdftoppm -png FILE new"
	drawFirst   = "draw it as a PNG first, as Inkscape does by: inkscape FILE -o new.png"
	saveFirst   = "save what it holds as PNG or 16-bit TIFF first, by the program that wrote it"
	fetchFirst  = "download the picture itself"
	pullFirst   = "fetch what it stands for by: git lfs pull"
)

var signatures = []signature{
	{prefix: "II*\x00\x10\x00\x00\x00CR\x02\x00", raw: "Canon CR2"},
	{prefix: "II*\x00....IIII.waR", raw: "Phase One IIQ"},
	{prefix: "MM\x00*....MMMMRaw.", raw: "Phase One IIQ"},
	{prefix: "GIF8", other: "a GIF", remedy: "take a frame of it first, as ImageMagick does by: magick 'FILE[0]' new.png"},
	{prefix: "....ftypavif", other: "an AVIF"},
	{prefix: "....ftypavis", other: "an AVIF"},
	{prefix: "....ftyphei", other: "a HEIC"},
	{prefix: "....ftyphev", other: "a HEIC"},
	{prefix: "....ftypmif1", other: "a HEIF"},
	{prefix: "....ftypcrx", raw: "Canon CR3"},
	{prefix: "....ftyp", other: "a video or another ISO media file", remedy: frameFirst},
	{prefix: "\x1aE\xdf\xa3", other: "a Matroska or WebM video", remedy: frameFirst},
	{prefix: "RIFF....AVI ", other: "an AVI video", remedy: frameFirst},
	{prefix: "RIFF....WAVE", other: "a sound", remedy: "name a picture"},
	{prefix: "\x00\x00\x01\xba", other: "an MPEG video", remedy: frameFirst},
	{prefix: "\xff\x0a", other: "a JPEG XL"},
	{prefix: "\x00\x00\x00\x0cJXL ", other: "a JPEG XL"},
	{prefix: "\x00\x00\x00\x0cjP  ", other: "a JPEG 2000"},
	{prefix: "\xff\x4f\xff\x51", other: "a JPEG 2000"},
	{prefix: "II\xbc\x01", other: "a JPEG XR"},
	{prefix: "\x8aMNG\r\n\x1a\n", other: "an MNG"},
	{prefix: "\x8bJNG\r\n\x1a\n", other: "a JNG"},
	{prefix: "8BPS", other: "a Photoshop document"},
	{prefix: "gimp xcf ", other: "a GIMP document"},
	{prefix: "v/1\x01", other: "an OpenEXR"},
	{prefix: "#?RADIANCE", other: "a Radiance HDR"},
	{prefix: "#?RGBE", other: "a Radiance HDR"},
	{prefix: "DDS ", other: "a DDS texture"},
	{prefix: "qoif", other: "a QOI"},
	{prefix: "icns", other: "an Apple icon"},
	{prefix: "\x0a\x05\x01", other: "a PCX"},
	{prefix: "\x01\xda", other: "an SGI"},
	{prefix: "\x00\x00\x01\x00", other: "a Windows icon"},
	{prefix: "\x00\x00\x02\x00", other: "a Windows cursor"},
	{prefix: "\xd7\xcd\xc6\x9a", other: "a Windows metafile"},
	{at: 128, prefix: "DICM", other: "a DICOM"},
	{prefix: "SIMPLE  = ", other: "a FITS"},
	{prefix: "AT&TFORM", other: "a DjVu", remedy: "turn its pages into pictures first, as DjVuLibre does by: ddjvu -format=tiff FILE new.tif"},
	{prefix: "%PDF", other: "a PDF", remedy: pagesFirst},
	{prefix: "%!PS", other: "a PostScript document", remedy: drawFirst},
	{prefix: "\xc5\xd0\xd3\xc6", other: "a PostScript document", remedy: drawFirst},
	{prefix: "PK\x03\x04", other: "a ZIP archive", remedy: unpackFirst},
	{prefix: "PK\x05\x06", other: "a ZIP archive", remedy: unpackFirst},
	{prefix: "7z\xbc\xaf\x27\x1c", other: "a 7z archive", remedy: unpackFirst},
	{prefix: "Rar!\x1a\x07", other: "a RAR archive", remedy: unpackFirst},
	{at: 257, prefix: "ustar", other: "a tar archive", remedy: unpackFirst},
	{prefix: "\x1f\x8b", other: "a gzip archive", remedy: unpackFirst},
	{prefix: "BZh", other: "a bzip2 archive", remedy: unpackFirst},
	{prefix: "\xfd7zXZ\x00", other: "an xz archive", remedy: unpackFirst},
	{prefix: "\x28\xb5\x2f\xfd", other: "a Zstandard archive", remedy: unpackFirst},
	{prefix: "II\x1a\x00\x00\x00HEAP", raw: "Canon CRW"},
	{prefix: "FUJIFILMCCD-RAW", raw: "Fujifilm RAF"},
	{prefix: "IIU\x00", raw: "Panasonic RW2"},
	{prefix: "IIRO", raw: "Olympus ORF"},
	{prefix: "IIRS", raw: "Olympus ORF"},
	{prefix: "MMOR", raw: "Olympus ORF"},
	{prefix: "\x00MRM", raw: "Minolta MRW"},
	{prefix: "FOVb", raw: "Sigma X3F"},
	{prefix: "\x93NUMPY", other: "a NumPy array", remedy: saveFirst},
	{prefix: "\x89HDF\r\n\x1a\n", other: "an HDF5", remedy: saveFirst},
	{prefix: "MATLAB 5.0 MAT-file", other: "a MATLAB file", remedy: saveFirst},
	{prefix: "version https://git-lfs.github.com/", other: "a pointer of Git LFS", remedy: pullFirst},
	{prefix: "farbfeld", other: "a farbfeld"},
}

// texts identifies text files by their first words, in lower case.
var texts = []signature{
	{prefix: "<!doctype html", other: "a web page", remedy: fetchFirst},
	{prefix: "<html", other: "a web page", remedy: fetchFirst},
	{prefix: "<svg", other: "an SVG drawing", remedy: drawFirst},
	{prefix: "<!doctype svg", other: "an SVG drawing", remedy: drawFirst},
}

// begins reports whether a file begins with prefix; a dot stands for any byte.
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

// refuse returns the error for a file that is known to be unreadable.
func (s signature) refuse() error {
	if s.raw != "" {
		return rawFile(s.raw)
	}
	return fmt.Errorf("is %s, which %w: %s", s.other, ErrOther, cmp.Or(s.remedy, convertFirst))
}

// sniff determines a file's format from its beginning, whatever its name.
func sniff(head []byte) (Format, error) {
	if len(head) == 0 {
		return 0, errors.New("is not an image: it is empty")
	}
	if isTGA(head) { // a Windows cursor can begin with the same four bytes
		return 0, signature{other: "a TGA"}.refuse()
	}
	for _, s := range signatures {
		if begins(head[min(s.at, len(head)):], s.prefix) {
			return 0, s.refuse()
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
	if isNetpbm(head) {
		return 0, signature{other: "a picture of Netpbm (PBM, PGM, PPM, PAM or PFM)"}.refuse()
	}
	if isText(head) {
		return 0, textFile(head)
	}
	return 0, errors.New("is not an image that can be read: it begins like no " + holding(func(formatRow) bool { return true }))
}

// isText reports whether head is UTF-8 without control characters. Its last character
// may be incomplete.
func isText(head []byte) bool {
	for cut := 0; cut < utf8.UTFMax && cut < len(head) && !utf8.Valid(head); cut++ {
		head = head[:len(head)-1]
	}
	control := func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' }
	return utf8.Valid(head) && !bytes.ContainsFunc(head, control)
}

// isNetpbm reports whether head begins like Netpbm's formats: P, a number or a letter,
// and after a space a comment or a number; PAM has a line of its own.
func isNetpbm(head []byte) bool {
	if len(head) < 4 || head[0] != 'P' || bytes.IndexByte([]byte(" \t\r\n"), head[2]) < 0 {
		return false
	}
	rest := bytes.TrimLeft(head[3:], " \t\r\n")
	number := len(rest) > 0 && (rest[0] == '#' || rest[0] >= '0' && rest[0] <= '9')
	return number && bytes.IndexByte([]byte("123456Ff"), head[1]) >= 0 ||
		head[1] == '7' && (bytes.HasPrefix(rest, []byte("WIDTH")) || bytes.HasPrefix(rest, []byte("#")))
}

// isTGA reports whether head is a TGA's header. It has no signature, but few values are
// allowed in it.
func isTGA(head []byte) bool {
	if len(head) < 18 || binary.LittleEndian.Uint16(head[12:]) == 0 || binary.LittleEndian.Uint16(head[14:]) == 0 || head[17]&0xc0 != 0 {
		return false
	}
	depths := []byte{8, 15, 16, 24, 32}
	mapped := head[1] == 1 && (head[2] == 1 || head[2] == 9) && slices.Contains(depths[1:], head[7])
	direct := head[1] == 0 && slices.Contains([]byte{2, 3, 10, 11}, head[2]) && bytes.Equal(head[3:8], make([]byte, 5))
	return (mapped || direct) && slices.Contains(depths, head[16])
}

// textFile returns the error for a text file, which some servers send under a picture's
// name.
func textFile(head []byte) error {
	text := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n"))
	xml := bytes.HasPrefix(text, []byte("<?xml"))
	for _, s := range texts {
		if bytes.HasPrefix(text, []byte(s.prefix)) || xml && bytes.Contains(text, []byte(s.prefix)) {
			return s.refuse()
		}
	}
	return errors.New("is not an image: its content looks like text")
}
