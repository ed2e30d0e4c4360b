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
