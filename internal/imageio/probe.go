package imageio

import (
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
	return formatIn(content, path)
}

// ProbeReader reads the header of the picture in a file; errors call it name.
func ProbeReader(file File, name string, limits Limits) (p Probe, err error) {
	format, err := formatIn(file, name)
	if err != nil {
		return p, err
	}
	var stored shape
	var turn orientation
	err = guarded(format, func() (err error) {
		stored, p, turn, err = rowOf(format).probe(file, limits)
		return err
	})
	if err == nil {
		err = limits.check(stored.w, stored.h)
	}
	if err != nil {
		return Probe{}, fmt.Errorf("%s %w", name, cutShort(format, err))
	}
	if p.Bytes == 0 {
		p.Bytes = stored.bytes()
	}
	p.Pages = max(p.Pages, 1)
	i := infoOf(format, stored, turn)
	p.Format, p.W, p.H, p.Depth, p.Grey, p.Alpha = i.Format, i.W, i.H, i.Depth, i.Grey, i.Alpha
	return p, nil
}
