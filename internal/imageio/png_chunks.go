package imageio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strings"
)

// PNG as in the W3C's Portable Network Graphics, third edition, whose sections the
// comments refer to.

// pngFile is a PNG without its pixels.
type pngFile struct {
	Info
	header    pngHeader
	palette   []byte // RGB
	trns      []byte
	idat, end int64 // offsets of the first IDAT chunk and of what follows IEND
	still     bool  // the picture is also a frame of the animation
	turn      orientation
	exif, xmp []byte
	icc       []byte
	meter     *meter
	// EXIF and XMP found in a text.
	rawEXIF, rawXMP []byte
	// Kinds of chunks that are left out or damaged.
	left, damaged []string
}

// pngHeader is IHDR, section 11.2.1.
type pngHeader struct {
	w, h        int
	depth, kind uint8 // kind is the colour type
	interlaced  bool
}

// The colour types are made of these bits: a palette is used, there is colour, there is
// alpha.
const (
	pngGrey, pngRGB, pngPalette, pngGreyAlpha, pngRGBA = 0, 2, 3, 4, 6
)

// channels returns the number of samples per pixel in the file.
func (h pngHeader) channels() int {
	return map[uint8]int{pngGrey: 1, pngRGB: 3, pngPalette: 1, pngGreyAlpha: 2, pngRGBA: 4}[h.kind]
}

// rowBytes returns the length of a row of w pixels in the file, without its filter.
func (h pngHeader) rowBytes(w int) int { return (w*h.channels()*int(h.depth) + 7) / 8 }

// shape returns the shape of the decoded pixels: see expand.
func (f *pngFile) shape() shape {
	h := f.header
	s := shape{w: h.w, h: h.h, depth: max(8, int(h.depth))}
	s.grey = h.kind == pngGrey || h.kind == pngGreyAlpha
	s.alpha = h.kind == pngGreyAlpha || h.kind == pngRGBA || f.keyed()
	return s
}

func parseIHDR(data []byte) (h pngHeader, err error) {
	if len(data) != 13 {
		return h, damaged(PNG, "its header has %d bytes", len(data))
	}
	w, hgt := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
	if w == 0 || hgt == 0 {
		return h, noPixels(int(w), int(hgt))
	}
	if w > math.MaxInt32 || hgt > math.MaxInt32 {
		return h, damaged(PNG, "its size is %d×%d", w, hgt)
	}
	h = pngHeader{w: int(w), h: int(hgt), depth: data[8], kind: data[9], interlaced: data[12] == 1}
	depths := map[uint8]string{
		pngGrey: "\x01\x02\x04\x08\x10", pngPalette: "\x01\x02\x04\x08",
		pngRGB: "\x08\x10", pngGreyAlpha: "\x08\x10", pngRGBA: "\x08\x10",
	}
	if bytes.IndexByte([]byte(depths[h.kind]), h.depth) < 0 {
		return h, damaged(PNG, "no PNG has colour type %d with %d bits", h.kind, h.depth)
	}
	if data[10] != 0 || data[11] != 0 || data[12] > 1 {
		return h, damaged(PNG, "unknown compression %d, filter %d or interlace method %d", data[10], data[11], data[12])
	}
	return h, nil
}

// scanPNG reads all chunks except those of the pixels, which it skips.
func scanPNG(file File, limits Limits) (*pngFile, error) {
	f := &pngFile{turn: upright, meter: limits.meter()}
	for at := int64(8); ; {
		var head [8]byte
		if n, err := file.ReadAt(head[:], at); n < len(head) {
			if f.idat > 0 && errors.Is(err, io.EOF) {
				return f, f.finish() // some writers leave out IEND; missing pixels are detected later
			}
			return nil, err
		}
		size, kind := int64(binary.BigEndian.Uint32(head[:])), string(head[4:])
		switch {
		case strings.ContainsFunc(kind, func(r rune) bool { return r|0x20 < 'a' || r|0x20 > 'z' }):
			return nil, damaged(PNG, "a chunk is called %q, which is no name of one", kind)
		case kind == "CgBI":
			return nil, unsupported(PNG, "Apple's changes for its own devices (CgBI)")
		case (kind == "IHDR") != (f.header.w == 0):
			return nil, damaged(PNG, "its header is not its first chunk")
		case kind == "IEND":
			f.end = at + 12 + size
			return f, f.finish()
		case kind == "IDAT" && f.idat == 0:
			f.idat = at
		}
		f.still = f.still || kind == "fcTL" && f.idat == 0
		if err := f.chunk(io.NewSectionReader(file, at+8, size+4), kind, size); err != nil {
			return nil, err
		}
		at += 12 + size
	}
}

// chunk processes a chunk of which size bytes follow in r. Chunks that matter for the
// pixels must be valid; others are left out if they are not.
func (f *pngFile) chunk(r io.Reader, kind string, size int64) error {
	matters := kind == "IHDR" || kind == "PLTE" || kind == "tRNS"
	const largest = 3 * 256 // the palette, of those that matter
	switch critical := kind[0]&0x20 == 0; {
	case kind == "IDAT":
		return nil
	case critical && !matters:
		return unsupported(PNG, "a chunk %q", kind)
	case matters && size > largest:
		return damaged(PNG, "its %q chunk has %d bytes", kind, size)
	case !matters && !pngGoes(kind):
		if !pngOfPixels[kind] {
			f.left = appendNew(f.left, kind)
		}
		return nil
	case !matters && !f.meter.take(size):
		return nil
	}
	data, err := readExactly(r, size+4)
	if err != nil {
		return err
	}
	data, sum := data[:size], binary.BigEndian.Uint32(data[size:])
	sound := crc32.Update(crc32.ChecksumIEEE([]byte(kind)), crc32.IEEETable, data) == sum
	switch {
	case kind == "IHDR":
		if f.header, err = parseIHDR(data); err != nil {
			return err
		}
	case kind == "PLTE":
		f.palette = data
	case sound:
		f.ancillary(kind, data)
	case !matters:
		f.damaged = appendNew(f.damaged, kind)
	}
	if matters && !sound {
		return damaged(PNG, "the checksum of its %q chunk is wrong", kind)
	}
	return nil
}

// pngKept are the chunks that stay valid when the picture changes.
var pngKept = map[string]bool{"eXIf": true, "iCCP": true, "pHYs": true, "iTXt": true, "gAMA": true, "cHRM": true,
	"sRGB": true, "cICP": true, "mDCV": true, "cLLI": true, "tEXt": true, "zTXt": true, "tIME": true, "bKGD": true,
	"oFFs": true, "pCAL": true, "sCAL": true, "sTER": true, "acTL": true}

// pngOfPixels are chunks that say how the file stores its pixels, which a result stores
// in its own way, and those of animations.
var pngOfPixels = map[string]bool{"sBIT": true, "sPLT": true, "hIST": true, "iDOT": true, "fcTL": true, "fdAT": true}

// pngGoes reports whether a chunk is carried over to a changed picture. Unknown chunks
// say so themselves, by the case of the last letter (section 5.4); that of the third is
// reserved.
func pngGoes(kind string) bool {
	return pngKept[kind] || !pngOfPixels[kind] && kind[3]&0x20 != 0 && kind[2]&0x20 == 0
}

// appendNew appends a name unless it is present or there are enough to report: a file
// can hold a million of them.
func appendNew(names []string, name string) []string {
	const enough = 100
	if len(names) == enough || slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// ancillary processes a chunk that describes the picture.
func (f *pngFile) ancillary(kind string, data []byte) {
	switch kind {
	case "tRNS":
		f.trns = data
	case "acTL":
		if len(data) == 8 {
			f.Behind.Frames = int(binary.BigEndian.Uint32(data) & math.MaxInt32)
		}
	case "eXIf":
		f.exif = bytes.TrimPrefix(data, []byte(exifHead))
	case "iCCP":
		if f.icc = pngICC(data, f.meter); f.icc == nil {
			f.damaged = appendNew(f.damaged, kind)
		}
	case "pHYs":
		if len(data) == 9 {
			from := map[byte]func(x, y uint32) Resolution{0: fromShape, 1: fromMetre}[data[8]]
			if from != nil {
				f.Meta.Resolution = from(binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:]))
			}
		}
	default:
		if kind == "bKGD" {
			data = f.background(data)
		}
		if data != nil && !f.takeText(kind, data) {
			f.Meta.own = append(f.Meta.own, segment{kind, data})
		}
	}
}

// pngICC returns the profile in iCCP (section 11.3.2.3), nil if it is damaged.
func pngICC(data []byte, m *meter) []byte {
	_, rest, ok := bytes.Cut(data, []byte{0})
	if !ok || len(rest) < 1 || rest[0] != 0 {
		return nil
	}
	return inflate(rest[1:], m)
}

const xmpKeyword = "XML:com.adobe.xmp"

// pngXMP returns the packet in an iTXt chunk (section 11.3.3.4), nil if it has none.
func pngXMP(data []byte, m *meter) []byte {
	rest, ok := bytes.CutPrefix(data, []byte(xmpKeyword+"\x00"))
	if !ok || len(rest) < 2 {
		return nil
	}
	parts := bytes.SplitN(rest[2:], []byte{0}, 3) // language, translated keyword, text
	if len(parts) < 3 {
		return nil
	}
	if compressed := rest[0] == 1; compressed {
		return inflate(parts[2], m)
	}
	return parts[2]
}

// finish checks that the chunks make a picture and completes its Info.
func (f *pngFile) finish() error {
	h := f.header
	if f.idat == 0 {
		return damaged(PNG, "it holds no pixels")
	}
	if n := len(f.palette); h.kind == pngPalette && (n == 0 || n%3 != 0 || n > 3*256) {
		return damaged(PNG, "its palette has %d bytes", n)
	}
	if f.Behind.Frames == 1 && f.still {
		f.Behind.Frames = 0
	}
	if f.trns != nil && !f.keyed() {
		f.damaged = appendNew(f.damaged, "tRNS")
	}
	f.Grey = f.shape().grey // for the colour profile
	f.Meta.ownOf = PNG
	f.adoptICC(f.icc)
	if f.exif == nil {
		f.exif = f.rawEXIF
	}
	if f.xmp == nil {
		f.xmp = f.rawXMP
	}
	f.turn = turnOf(f.exif, f.xmp)
	f.adopt(f.turn, f.exif, f.xmp)
	f.Notes = append(f.Notes, f.meter.notes()...)
	if len(f.damaged) > 0 {
		f.Notes = append(f.Notes, "what is damaged was left out: "+named("chunk", f.damaged))
	}
	f.leave("chunk", f.left)
	return nil
}

// background converts bKGD (section 11.3.4.1) to the form of the decoded pixels: a
// palette index is looked up, and depths below eight bits are scaled.
func (f *pngFile) background(data []byte) []byte {
	h := f.header
	switch {
	case h.kind == pngPalette && len(data) == 1 && 3*int(data[0])+3 <= len(f.palette):
		c := f.palette[3*int(data[0]):]
		return []byte{0, c[0], 0, c[1], 0, c[2]}
	case h.kind == pngPalette || len(data) != 2 && len(data) != 6 || (len(data) == 2) != f.shape().grey:
		return nil
	case h.depth < 8:
		return []byte{0, uint8(int(data[1]) & (1<<h.depth - 1) * 255 / (1<<h.depth - 1))}
	}
	return data
}

// keyed reports whether tRNS (section 11.3.1.1) makes some pixels transparent.
func (f *pngFile) keyed() bool {
	switch f.header.kind {
	case pngGrey:
		return len(f.trns) == 2
	case pngRGB:
		return len(f.trns) == 6
	case pngPalette:
		return len(f.trns) > 0
	}
	return false
}
