package imageio

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Probe is what a file's header tells of the picture, before it is decoded.
type Probe struct {
	Format Format
	W, H   int // upright
	Depth  int
	Grey   bool
	Alpha  bool
	Pages  int // of a TIFF; 1 of other formats
	// Bytes is the memory that the decoded picture takes.
	Bytes int64
	// Metadata is the memory that what comes with the pixels takes.
	Metadata int64
	// Streams tells that the picture can be decoded as it is read instead; see
	// Limits.MaxBytes.
	Streams bool
}

// ProbeFile reads a picture's header.
func ProbeFile(path string, limits Limits) (p Probe, err error) {
	f, err := os.Open(path)
	if err != nil {
		return p, fmt.Errorf("cannot read %s: %w", path, cause(err))
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := refuseFolder(f, path); err != nil {
		return p, err
	}
	return ProbeReader(f, path, limits)
}

// FormatOfFile tells a file's format by how it begins, whatever its name.
func FormatOfFile(path string) (format Format, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("cannot read %s: %w", path, cause(err))
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := refuseFolder(f, path); err != nil {
		return 0, err
	}
	return formatIn(f, path)
}

// ProbeReader reads the header of the picture in r, which errors call name.
func ProbeReader(r io.ReadSeeker, name string, limits Limits) (p Probe, err error) {
	format, err := formatIn(r, name)
	if err != nil {
		return p, err
	}
	var stored shape
	var turn orientation
	err = guarded(format, func() (err error) {
		stored, p, turn, err = probes[format](r, limits)
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

// probes read a format's header: the shape that decoding will give, as it is
// stored, and how it is turned. Bytes is left at 0 for those of the shape alone.
var probes = map[Format]func(io.ReadSeeker, Limits) (shape, Probe, orientation, error){
	PNG: probePNG, JPEG: probeJPEG, TIFF: probeTIFF, WebP: probeWebP, BMP: probeBMP,
}

func probePNG(r io.ReadSeeker, limits Limits) (s shape, p Probe, turn orientation, err error) {
	f, err := scanPNG(r, limits)
	if err != nil {
		return s, p, upright, err
	}
	p.Streams, p.Metadata = !f.header.interlaced && f.turn <= 2, f.meter.used
	return f.shape(), p, f.turn, nil
}

func probeJPEG(r io.ReadSeeker, limits Limits) (s shape, p Probe, turn orientation, err error) {
	h, err := scanJPEG(r, limits)
	if err != nil {
		return s, p, upright, err
	}
	if err := h.check(); err != nil {
		return s, p, upright, err
	}
	p.Bytes, p.Metadata = h.bytes(), h.meter.used
	return h.shape(), p, turnOf(h.exif, h.xmp), nil
}

func probeTIFF(r io.ReadSeeker, limits Limits) (s shape, p Probe, turn orientation, err error) {
	file, err := section(r)
	if err != nil {
		return s, p, upright, err
	}
	page, err := readTIFFPage(file, limits)
	if err != nil {
		return s, p, upright, err
	}
	turn = page.turn()
	p.Bytes, p.Metadata = page.bytes()+int64(page.bandBytes()), page.described()
	p.Streams, p.Pages = !page.tiled && turn <= 2, page.more+1
	return page.shape, p, turn, nil
}

func probeWebP(r io.ReadSeeker, limits Limits) (s shape, p Probe, turn orientation, err error) {
	f, err := scanWebP(r, limits)
	if err != nil {
		return s, p, upright, err
	}
	p.Bytes = int64(f.kind.w) * int64(f.kind.h) * 4 // by the library
	p.Metadata = f.meter.used
	return f.kind, p, turnOf(f.exif, f.xmp), nil
}

//nolint:unparam // as the others of the table, and a BMP is always upright
func probeBMP(r io.ReadSeeker, limits Limits) (s shape, p Probe, turn orientation, err error) {
	file, err := section(r)
	if err != nil {
		return s, p, upright, err
	}
	f, err := readBMP(file, limits)
	if err != nil {
		return s, p, upright, err
	}
	p.Streams = !f.runs()
	if f.runs() {
		p.Bytes = f.kind.bytes() + int64(f.kind.w)*int64(f.kind.h) // the indices
	}
	return f.kind, p, upright, nil
}
