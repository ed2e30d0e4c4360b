package imageio

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// Markers and the beginnings of JPEG segments.
const (
	markerSOI, markerEOI, markerSOS = 0xd8, 0xd9, 0xda
	markerAPP0, markerAPP1          = 0xe0, 0xe1
	markerAPP2, markerAPP13         = 0xe2, 0xed
	markerAPP14                     = 0xee
	markerLS, markerCOM             = 0xf7, 0xfe

	maxSegment = 65533 // bytes in a segment
	jfifHead   = "JFIF\x00"
	exifHead   = "Exif\x00\x00"
	xmpHead    = "http://ns.adobe.com/xap/1.0/\x00"
	xmpExtHead = "http://ns.adobe.com/xmp/extension/\x00"
	iccHead    = "ICC_PROFILE\x00"
)

// jpegHead collects the metadata before a JPEG's first scan.
type jpegHead struct {
	left       []string // kinds of segments that are left out
	exif, xmp  []byte
	icc        []iccPart
	resolution Resolution
	own        []segment
	gainMap    bool // a gain map is announced
	meter      *meter
}

// iccPart is a numbered piece of a colour profile.
type iccPart struct {
	number byte
	data   []byte
}

// nextMarker skips to the next marker, ignoring stray bytes as decoders do.
func nextMarker(b *bufio.Reader) (byte, error) {
	for {
		c, err := b.ReadByte()
		for err == nil && c != 0xff {
			c, err = b.ReadByte()
		}
		for err == nil && c == 0xff {
			c, err = b.ReadByte()
		}
		if err != nil || c != 0 {
			return c, err
		}
	}
}

// describe takes over what a segment says.
func (h *jpegHead) describe(marker byte, data []byte) {
	after := func(head string) ([]byte, bool) { return bytes.CutPrefix(data, []byte(head)) }
	switch marker {
	case markerAPP0:
		if jfif, ok := after(jfifHead); ok && len(jfif) >= 7 {
			h.density(jfif[2], uint32(binary.BigEndian.Uint16(jfif[3:])), uint32(binary.BigEndian.Uint16(jfif[5:])))
		}
	case markerAPP1:
		if exif, ok := after(exifHead); ok && h.exif == nil {
			h.exif = exif
		} else if xmp, ok := after(xmpHead); ok && h.xmp == nil {
			h.xmp = xmp
		} else if _, ok := after(xmpExtHead); ok {
			h.own = append(h.own, segment{string([]byte{marker}), data})
		} else {
			h.leave(marker, data)
		}
	case markerAPP2:
		if icc, ok := after(iccHead); ok && len(icc) >= 2 {
			h.icc = append(h.icc, iccPart{icc[0], icc[2:]})
		} else {
			h.leave(marker, data)
		}
		h.gainMap = h.gainMap || announcesGainMap(data)
	case markerAPP13, markerCOM: // Photoshop's and IPTC's data, comments
		h.own = append(h.own, segment{string([]byte{marker}), data})
	default:
		h.leave(marker, data)
	}
}

// ofCoding lists the beginnings of segments that describe the coding of a JPEG or the
// data after it: Adobe's transform, the quality noted by Photoshop's export for the
// web, and the tables of other pictures and of gain maps.
var ofCoding = []string{"Adobe", "Ducky", "MPF\x00", "urn:iso:std:iso:ts:21496"}

// leave records the kind of a segment that is left out: its number and the name at its
// beginning.
func (h *jpegHead) leave(marker byte, data []byte) {
	for _, head := range ofCoding {
		if bytes.HasPrefix(data, []byte(head)) {
			return
		}
	}
	const longest = 40
	name := data[:min(len(data), longest)]
	if end := bytes.IndexFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }); end >= 0 {
		name = name[:end]
	}
	kind := fmt.Sprintf("APP%d", marker-markerAPP0)
	if len(name) > 1 {
		kind += fmt.Sprintf(" (%s)", name)
	}
	h.left = appendNew(h.left, kind)
}

// density takes the resolution from JFIF, whose unit is 1 for inches and 2 for
// centimetres.
func (h *jpegHead) density(unit byte, x, y uint32) {
	switch unit {
	case 0:
		h.resolution = fromShape(x, y)
	case 1:
		h.resolution = newResolution(Ratio{x, 1}, Ratio{y, 1}, Inch)
	case 2:
		h.resolution = newResolution(Ratio{x, 1}, Ratio{y, 1}, Centimetre)
	}
}

// profile joins the pieces of the colour profile.
func (h *jpegHead) profile() (icc []byte) {
	slices.SortStableFunc(h.icc, func(a, b iccPart) int { return int(a.number) - int(b.number) })
	for _, p := range h.icc {
		icc = append(icc, p.data...)
	}
	return icc
}

// jpegMetadata returns m as segments, in the order in which they follow SOI.
func jpegMetadata(m *Metadata) (segments []segment) {
	add := func(marker byte, head string, data []byte) {
		segments = append(segments, segment{string([]byte{marker}), append([]byte(head), data...)})
	}
	unit, x, y, _ := m.Resolution.jfif()
	jfif := []byte{1, 2, unit, byte(x >> 8), byte(x), byte(y >> 8), byte(y), 0, 0}
	add(markerAPP0, jfifHead, jfif)
	if m.EXIF != nil {
		add(markerAPP1, exifHead, m.EXIF)
	}
	if m.XMP != nil {
		add(markerAPP1, xmpHead, m.XMP)
	}
	const part = maxSegment - len(iccHead) - 2
	parts := (len(m.ICC) + part - 1) / part
	for i := range parts {
		data := m.ICC[i*part : min((i+1)*part, len(m.ICC))]
		add(markerAPP2, iccHead, append([]byte{byte(i + 1), byte(parts)}, data...))
	}
	return append(segments, m.ownTo(JPEG)...)
}
