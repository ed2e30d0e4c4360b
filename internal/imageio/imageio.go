// Package imageio reads and writes pictures without losing what they contain: size, bit
// depth, grey or colour, alpha, resolution, EXIF, colour profile and XMP.
//
// A picture stays in memory as its file stores it (8 or 16 bits per sample, a JPEG's
// chroma still subsampled) and is converted to the network's planar float32 tile by
// tile, in [Image.Tile]. That also applies the EXIF orientation: everything that leaves
// this package is upright, and the tag says 1.
//
// Pictures are written row by row through a [Writer], so that a large result never needs
// to be in memory as a whole.
//
// The colour of a fully transparent pixel is meaningless, and editors leave anything
// there. Tile replaces it by an average of the visible pixels around, so that it cannot
// bleed over an edge; [Image.Stored] returns the colours that a result needs there.
//
// Some things change: a palette becomes RGB, since a restored picture has more colours;
// CMYK becomes RGB without its profile; an EXIF thumbnail, which would show the original,
// is unlinked; a WebP is written lossless and a TIFF without compression; of a file with
// several pictures, one is read at a time. Decoded JPEGs equal libjpeg's bit for bit, and
// WebPs libwebp's.
//
// A decoder makes a raster, and the raster alone determines what the picture is: size,
// depth, grey, alpha. Each decoder checks the variant of a file before it looks at
// pixels, and refuses unsupported ones by name.
package imageio

// Info is everything known about a picture except its pixels.
type Info struct {
	Format Format
	W, H   int // upright, that is after orientation
	Depth  int // bits per sample: 8 or 16
	Grey   bool
	Alpha  bool
	Meta   Metadata
	// Behind is what else the file holds, which is not read.
	Behind Behind
	// Notes lists what could not be kept of the file, for the user to read.
	Notes []string
}

// shape returns the shape of the picture as written, upright.
func (i *Info) shape() shape {
	return shape{w: i.W, h: i.H, depth: i.Depth, grey: i.Grey, alpha: i.Alpha}
}
