package imageio

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
)

// Format is a file format.
type Format uint8

// The formats that can be read and written.
const (
	PNG Format = iota + 1
	JPEG
	TIFF
	WebP
	BMP
)

// Formats lists every Format.
var Formats = []Format{PNG, JPEG, TIFF, WebP, BMP}

// formatRow is everything that the package knows about a format in general. A new
// format is a constant, a row in rowOf, and a file with its functions.
type formatRow struct {
	name  string
	media string   // media type
	exts  []string // file name extensions; the first is the usual one
	magic []string // how files begin; a dot stands for any byte

	// open reads and checks a picture's header.
	open func(File, Limits) (opened, error)
	// encode starts a file of info's size and kind; info must fit the format.
	encode func(io.Writer, *Info, Options) (rowWriter, error)

	// What a file can hold.
	deep, alpha, grey, greyAlpha bool // 16 bits, alpha, one channel, one channel with alpha
	maxSide                      int
	// encodeBytes is the memory that encode takes per pixel, as measured; 0 if it
	// writes row by row.
	encodeBytes int64
}

// rowOf is the table of formats.
func rowOf(f Format) formatRow {
	switch f {
	case PNG:
		return formatRow{name: "PNG", media: "image/png", exts: []string{".png"}, magic: []string{"\x89PNG\r\n\x1a\n"},
			open: openPNG, encode: newPNGWriter,
			deep: true, alpha: true, grey: true, greyAlpha: true, maxSide: math.MaxInt32}
	case JPEG:
		return formatRow{name: "JPEG", media: "image/jpeg", exts: []string{".jpg", ".jpeg", ".jpe", ".jfif"}, magic: []string{"\xff\xd8\xff"},
			open: openJPEG, encode: newJPEGWriter,
			grey: true, maxSide: math.MaxUint16}
	case TIFF: // few programs read grey with alpha
		return formatRow{name: "TIFF", media: "image/tiff", exts: []string{".tif", ".tiff"}, magic: []string{"II*\x00", "MM\x00*", bigLittle, bigBig},
			open: openTIFF, encode: newTIFFWriter,
			deep: true, alpha: true, grey: true, maxSide: math.MaxInt32}
	case WebP:
		return formatRow{name: "WebP", media: "image/webp", exts: []string{".webp"}, magic: []string{"RIFF....WEBP"},
			open: openWebP, encode: buffered(encodeWebP),
			alpha: true, maxSide: 1<<14 - 1, encodeBytes: 64}
	case BMP:
		return formatRow{name: "BMP", media: "image/bmp", exts: []string{".bmp", ".dib"}, magic: bmpMagic,
			open: openBMP, encode: buffered(encodeBMP),
			maxSide: math.MaxInt32, encodeBytes: 4}
	}
	return formatRow{name: fmt.Sprintf("Format(%d)", uint8(f))}
}

// String returns the format's usual name.
func (f Format) String() string { return rowOf(f).name }

// Ext returns the format's usual file name extension, with its dot.
func (f Format) Ext() string { return rowOf(f).exts[0] }

// Exts returns all extensions of the format's files, the usual one first.
func (f Format) Exts() []string { return rowOf(f).exts }

// MediaType returns the format's media type.
func (f Format) MediaType() string { return rowOf(f).media }

// EncodeBytes returns the memory per pixel that writing a picture takes; 0 if it is
// written row by row.
func (f Format) EncodeBytes() int64 { return rowOf(f).encodeBytes }

// FormatNames returns the names that ParseFormat takes: the usual extensions without
// dots.
func FormatNames() (names []string) {
	for _, f := range Formats {
		names = append(names, f.Ext()[1:])
	}
	return names
}

// Names lists FormatNames for messages: "png, jpg or bmp".
func Names() string { return english.WordSeries(FormatNames(), "or") }

// Extensions is Names with dots: ".png, .jpg or .bmp".
func Extensions() string {
	exts := FormatNames()
	for i, name := range exts {
		exts[i] = "." + name
	}
	return english.WordSeries(exts, "or")
}

// Kinds lists the formats for texts: "PNG, JPEG and BMP".
func Kinds() string { return english.WordSeries(namesOf(func(formatRow) bool { return true }), "and") }

// holding lists the names of the formats for which can is true.
func holding(can func(formatRow) bool) string { return english.WordSeries(namesOf(can), "or") }

func namesOf(ok func(formatRow) bool) (names []string) {
	for _, f := range Formats {
		if row := rowOf(f); ok(row) {
			names = append(names, row.name)
		}
	}
	return names
}

// ofExt returns the format of an extension, with its dot and in lower case.
func ofExt(ext string) (Format, bool) {
	for _, f := range Formats {
		if slices.Contains(rowOf(f).exts, ext) {
			return f, true
		}
	}
	return 0, false
}

// FormatOf returns the format in which a file of this name is written. (Reading goes by
// content, whatever the name.)
func FormatOf(name string) (Format, error) {
	ext := filepath.Ext(name)
	if f, ok := ofExt(strings.ToLower(ext)); ok {
		return f, nil
	}
	remedy := "use " + Extensions() + ", or name the format"
	if ext == "" {
		return 0, fmt.Errorf("%q has no extension that names an image format: %s", name, remedy)
	}
	return 0, fmt.Errorf("%q: cannot write %s images: %s", name, ext, remedy)
}

// ParseFormat returns the format with a name such as "png", "JPG" or ".tiff".
func ParseFormat(name string) (Format, error) {
	if f, ok := ofExt("." + strings.ToLower(strings.TrimPrefix(name, "."))); ok {
		return f, nil
	}
	return 0, fmt.Errorf("unknown image format %q: use %s", name, Names())
}
