package imageio

import (
	"bufio"
	"encoding/binary"
)

// openJPEG reads a JPEG's header.
func openJPEG(file File, limits Limits) (o opened, err error) {
	h, err := scanJPEG(file, limits)
	if err != nil {
		return o, err
	}
	if err := h.check(); err != nil {
		return o, err
	}
	return opened{shape: h.shape(), turn: turnOf(h.exif, h.xmp), metadata: h.meter.used, bytes: h.bytes(),
		decode: func() (*Image, error) { return h.decode(file) }}, nil
}

// decode reads the picture. Its planes stay subsampled: see chroma.
func (h *jpegHead) decode(file File) (*Image, error) {
	in := bufio.NewReaderSize(from(file, 0), 1<<16)
	d := newJPEGDecoder(in)
	if err := d.decode(); err != nil {
		return nil, err
	}
	m := newImage(JPEG, newChroma(d), turnOf(h.exif, h.xmp))
	m.Behind.look(in)
	m.Behind.GainMap = m.Behind.Picture && (m.Behind.GainMap || h.gainMap || announcesGainMap(h.xmp))
	m.Meta.own, m.Meta.ownOf, m.Meta.Resolution = h.own, JPEG, h.resolution
	if len(d.comps) == 4 {
		m.Notes = append(m.Notes, inksNote)
	} else {
		m.adoptICC(h.profile())
	}
	m.adopt(m.turn, h.exif, h.xmp)
	m.Notes = append(m.Notes, h.meter.notes()...)
	m.leave("segment", h.left)
	return m, nil
}

// inksNote is the note for CMYK pictures.
const inksNote = "CMYK was turned into RGB without its colour profile"

// check refuses unsupported variants with their names.
func (h *jpegHead) check() error {
	switch {
	case h.sof == markerLS:
		return unsupported(JPEG, "JPEG-LS coding")
	case h.sof >= 0xc9:
		return unsupported(JPEG, "arithmetic coding")
	case h.sof == 0xc3:
		return unsupported(JPEG, "lossless coding")
	case h.sof > 0xc3:
		return unsupported(JPEG, "hierarchical coding")
	case h.sof == 0 || len(h.frame) < 6 || len(h.frame) < 6+3*int(h.frame[5]):
		return damaged(JPEG, "it has no frame header")
	case h.frame[0] != 8:
		return unsupported(JPEG, "%d bits a sample", h.frame[0])
	}
	if n := h.components(); n < 1 || n > 4 || n == 2 && !h.part {
		return unsupported(JPEG, "%d components", n)
	}
	if s := h.shape(); s.h == 0 && s.w > 0 {
		return unsupported(JPEG, "a height that is only given at its end (DNL)")
	}
	for k := range h.components() {
		if f := h.frame[7+3*k]; f>>4 < 1 || f>>4 > 4 || f&15 < 1 || f&15 > 4 {
			return damaged(JPEG, "the sampling factors of component %d are %d×%d", k+1, f>>4, f&15)
		}
	}
	hMax, vMax := h.factors()
	for k := range h.components() {
		if f := h.frame[7+3*k]; hMax%int(f>>4) != 0 || vMax%int(f&15) != 0 {
			return unsupported(JPEG, "chroma subsampled by a fraction (%d×%d of %d×%d)", f>>4, f&15, hMax, vMax)
		}
	}
	return nil
}

// components returns the number of components in the frame.
func (h *jpegHead) components() int { return int(h.frame[5]) }

// shape returns the shape of the picture converted to grey or RGB.
func (h *jpegHead) shape() shape {
	return shape{w: int(binary.BigEndian.Uint16(h.frame[3:])), h: int(binary.BigEndian.Uint16(h.frame[1:])), depth: 8,
		grey: h.components() == 1}
}

// factors returns the largest of the components' sampling factors.
func (h *jpegHead) factors() (hMax, vMax int) {
	for k := range h.components() {
		f := h.frame[7+3*k]
		hMax, vMax = max(hMax, int(f>>4)), max(vMax, int(f&15))
	}
	return hMax, vMax
}

// bytes returns the memory that decoding takes: the planes, and a progressive picture's
// coefficients, which are kept until the last scan.
func (h *jpegHead) bytes() int64 {
	s, sum := h.shape(), int64(0)
	hMax, vMax := h.factors()
	for k := range h.components() {
		f := h.frame[7+3*k]
		wide, high := ceil(s.w, 8*hMax)*int(f>>4), ceil(s.h, 8*vMax)*int(f&15)
		sum += 64 * int64(wide) * int64(high)
	}
	const progressive, coefficient = 0xc2, 2
	if h.sof == progressive {
		sum *= 1 + coefficient
	}
	return sum
}
