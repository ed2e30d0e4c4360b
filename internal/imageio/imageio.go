// Package imageio reads and writes pictures without losing what their owner
// put into them: size, bit depth, grey or colour, alpha, resolution, EXIF,
// colour profile and XMP.
//
// A picture stays in memory as its file stores it (8 or 16 bits a sample, a
// JPEG's chroma still subsampled) and becomes the network's planar float32
// tile by tile, in [Image.Tile]. The EXIF orientation is applied on the way:
// everything that leaves this package is upright, and the tag says 1.
//
// Pictures are written row by row through a [Writer], so that a large result
// need never be in memory as a whole.
//
// The colour of a wholly transparent pixel means nothing, and editors leave
// anything there. Tile replaces it by an average of the visible pixels around,
// so that it cannot bleed over an edge; [Image.KeepHidden] puts what was
// stored back before the result is written.
//
// What is not as it was: a palette becomes RGB, since a restored picture has
// more colours; CMYK becomes RGB without its profile; an EXIF thumbnail, which
// would show the picture before, is unlinked; a WebP is written lossless and a
// TIFF without compression; of a file with several pictures one is read at a time.
// A JPEG's pixels are libjpeg's bit for bit, and a WebP's are libwebp's.
//
// A decoder makes a raster, and the raster alone says what the picture is: size,
// depth, grey, alpha. Each checks what variant of its format a file is before it
// looks at a pixel, and refuses by name what it does not read.
package imageio

import (
	"fmt"
	"path/filepath"
	"strings"
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

var formatNames = map[Format]string{PNG: "PNG", JPEG: "JPEG", TIFF: "TIFF", WebP: "WebP", BMP: "BMP"}

// String is the format's usual name.
func (f Format) String() string {
	if name, ok := formatNames[f]; ok {
		return name
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

var formatOfExt = map[string]Format{
	".png": PNG, ".jpg": JPEG, ".jpeg": JPEG, ".jpe": JPEG, ".jfif": JPEG,
	".tif": TIFF, ".tiff": TIFF, ".webp": WebP, ".bmp": BMP, ".dib": BMP,
}

// Ext is the format's usual file name extension, with its dot.
func (f Format) Ext() string {
	switch f {
	case JPEG:
		return ".jpg"
	case TIFF:
		return ".tif"
	}
	return "." + strings.ToLower(f.String())
}

// FormatOf is the format in which a file of this name is written. (Reading
// goes by content, whatever the name.)
func FormatOf(name string) (Format, error) {
	ext := filepath.Ext(name)
	if f, ok := formatOfExt[strings.ToLower(ext)]; ok {
		return f, nil
	}
	const remedy = "use .png, .jpg, .tif, .webp or .bmp, or name the format"
	if ext == "" {
		return 0, fmt.Errorf("%q has no extension to tell the image format by: %s", name, remedy)
	}
	return 0, fmt.Errorf("%q: cannot write %s images: %s", name, ext, remedy)
}

// ParseFormat is the format of a name such as "png", "JPG" or ".tiff".
func ParseFormat(name string) (Format, error) {
	if f, ok := formatOfExt["."+strings.ToLower(strings.TrimPrefix(name, "."))]; ok {
		return f, nil
	}
	return 0, fmt.Errorf("unknown image format %q: use png, jpg, tif, webp or bmp", name)
}

// Info is all that is known of a picture but its pixels.
type Info struct {
	Format Format
	W, H   int // upright, that is after orientation
	Depth  int // bits per sample: 8 or 16
	Grey   bool
	Alpha  bool
	Meta   Metadata
	// Behind is what else the file holds, which is not read.
	Behind Behind
	// Notes says what of the file could not be kept, for the user to read.
	Notes []string
}

// shape is the picture's as it is written, upright.
func (i *Info) shape() shape { return shape{i.W, i.H, i.Depth, i.Grey, i.Alpha} }
