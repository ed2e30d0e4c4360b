package imageio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"os"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// Probe is what a file's header tells of the picture, before it is decoded.
type Probe struct {
	Format Format
	W, H   int // upright
	Depth  int
	Grey   bool
	Alpha  bool
	// Bytes is the memory that the decoded picture takes.
	Bytes int64
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

// ProbeReader reads the header of the picture in r, which errors call name.
func ProbeReader(r io.ReadSeeker, name string, limits Limits) (p Probe, err error) {
	format, err := formatIn(r, name)
	if err != nil {
		return p, err
	}
	p, turn, err := probes[format](r)
	if err == nil {
		err = limits.check(p.W, p.H)
	}
	if err != nil {
		return p, fmt.Errorf("%s %w", name, cutShort(format, err))
	}
	p.Format = format
	p.W, p.H = turn.size(p.W, p.H)
	return p, nil
}

// probes read a format's header, with the picture's size as it is stored.
var probes = map[Format]func(io.ReadSeeker) (Probe, orientation, error){
	PNG:  probePNG,
	JPEG: probeJPEG,
	TIFF: probeTIFF,
	WebP: probeWebP,
	BMP: func(f io.ReadSeeker) (Probe, orientation, error) {
		p, err := probeConfig(BMP, f, bmp.DecodeConfig)
		return p, upright, err
	},
}

func probePNG(f io.ReadSeeker) (p Probe, _ orientation, err error) {
	png, err := scanPNG(f)
	if err != nil {
		return p, upright, err
	}
	h := png.header
	p = Probe{W: h.w, H: h.h, Depth: png.Depth, Grey: png.Grey, Alpha: png.Alpha}
	p.Streams = !h.interlaced && png.turn <= 2
	p.Bytes = int64(h.w) * int64(h.h) * int64(png.pixelBytes())
	if h.interlaced {
		p.Bytes = int64(h.w) * int64(h.h) * int64(png.Depth/2) // as RGBA, by image/png
	}
	return p, png.turn, nil
}

func probeJPEG(f io.ReadSeeker) (p Probe, _ orientation, err error) {
	h, err := scanJPEG(f)
	if err != nil {
		return p, upright, err
	}
	if err := h.check(); err != nil {
		return p, upright, err
	}
	p = Probe{W: int(binary.BigEndian.Uint16(h.frame[3:])), H: int(binary.BigEndian.Uint16(h.frame[1:])), Depth: 8}
	components := int64(h.frame[5])
	p.Grey = components == 1
	var most, sum int64 // of samples in an MCU
	for c := range components {
		factors := h.frame[6+3*c+1]
		n := int64(factors>>4) * int64(factors&15)
		most, sum = max(most, n), sum+n
	}
	p.Bytes = int64(p.W) * int64(p.H)
	if components > 1 && most > 0 {
		p.Bytes = p.Bytes * sum / most
	}
	const progressive, coefficient = 0xc2, 4
	if h.sof == progressive { // whose coefficients are kept until the last scan
		p.Bytes *= 1 + coefficient
	}
	return p, turnOf(h.exif, h.xmp), nil
}

func probeTIFF(f io.ReadSeeker) (p Probe, turn orientation, err error) {
	turn = upright
	file, err := section(f)
	if err != nil {
		return p, turn, err
	}
	h, err := readTIFFHead(file)
	if err != nil {
		return p, turn, err
	}
	if err := h.check(); err != nil {
		return p, turn, err
	}
	turn = h.turn()
	p, err = probeConfig(TIFF, f, func(io.Reader) (image.Config, error) { return tiff.DecodeConfig(file) })
	p.Alpha = h.value(tagSamplesPerPixel, 1) > 3
	return p, turn, err
}

func probeWebP(f io.ReadSeeker) (p Probe, _ orientation, err error) {
	w, err := scanWebP(f)
	if err != nil {
		return p, upright, err
	}
	p, err = probeConfig(WebP, f, webp.DecodeConfig)
	p.Alpha = w.alpha
	return p, turnOf(w.exif, w.xmp), err
}

// probeConfig asks a library for a picture's size and kind of pixels.
func probeConfig(f Format, r io.ReadSeeker, config func(io.Reader) (image.Config, error)) (p Probe, err error) {
	c, err := libraryConfig(f, r, config)
	if err != nil {
		return p, err
	}
	p = Probe{W: c.Width, H: c.Height, Depth: 8}
	size := int64(4)
	switch c.ColorModel {
	case color.GrayModel:
		p.Grey, size = true, 1
	case color.Gray16Model:
		p.Grey, p.Depth, size = true, 16, 2
	case color.RGBA64Model, color.NRGBA64Model:
		p.Depth, size = 16, 8
	case color.YCbCrModel, color.NYCbCrAModel:
		size = 3
	}
	p.Bytes = size * int64(c.Width) * int64(c.Height)
	return p, nil
}
