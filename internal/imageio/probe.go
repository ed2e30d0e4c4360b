package imageio

import (
	"cmp"
	"errors"
	"fmt"
)

// Probe is what a file's header says about the picture, before it is decoded.
type Probe struct {
	Format Format
	W, H   int // upright
	Depth  int
	Grey   bool
	Alpha  bool
	Pages  int // of a TIFF; 1 for other formats
	// Bytes is the memory that the decoded picture takes.
	Bytes int64
	// Metadata is the memory that the metadata take.
	Metadata int64
	// Streams reports whether the picture can be decoded while it is used instead; see
	// Limits.MaxBytes.
	Streams bool
}

// ProbeFile reads a picture's header.
func ProbeFile(path string, limits Limits) (p Probe, err error) {
	f, content, err := openFile(path)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return ProbeReader(content, path, limits)
}

// FormatOfFile determines a file's format from its beginning, whatever its name.
func FormatOfFile(path string) (format Format, err error) {
	f, content, err := openFile(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return FormatIn(content, path)
}

// ProbeReader reads the header of the picture in a file; errors call it name.
func ProbeReader(file File, name string, limits Limits) (p Probe, err error) {
	format, err := FormatIn(file, name)
	if err != nil {
		return p, err
	}
	o, err := open(format, file, limits)
	if err != nil {
		return p, fmt.Errorf("%s %w", name, err)
	}
	i := infoOf(format, o.shape, o.turn)
	return Probe{Format: format, W: i.W, H: i.H, Depth: i.Depth, Grey: i.Grey, Alpha: i.Alpha, Pages: max(o.pages, 1),
		Bytes: cmp.Or(o.bytes, o.shape.bytes()), Metadata: o.metadata, Streams: o.streams}, nil
}
