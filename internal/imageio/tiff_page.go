package imageio

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/dustin/go-humanize/english"
)

// Supported values by number; all others are refused with their names before a pixel is
// read. TestTIFFVariants tests the combinations.
const (
	tiffWhiteIsZero, tiffBlackIsZero, tiffRGB, tiffPalette, tiffInks, tiffYCbCr = 0, 1, 2, 3, 5, 6

	tiffNone, tiffGroup3, tiffGroup4, tiffLZW           = 1, 3, 4, 5
	tiffJPEG, tiffDeflate, tiffOldDeflate, tiffPackBits = 7, 8, 32946, 32773
)

// tiffColours and tiffCompressions name unsupported values of PhotometricInterpretation
// and Compression; others are reported by number.
var (
	tiffColours = map[uint32]string{4: "a transparency mask",
		8: "Lab colour", 9: "Lab colour", 10: "Lab colour", 32803: "raw sensor data",
		32844: "LogLuv colour", 32845: "LogLuv colour", 34892: "raw sensor data"}
	tiffCompressions = map[uint32]string{2: "fax compression of runs alone (modified Huffman)", 6: "old-style JPEG compression",
		9: "JBIG compression", 10: "JBIG compression", 34661: "JBIG compression", 34712: "JPEG 2000 compression",
		34887: "LERC compression", 34925: "LZMA compression", 50000: "Zstandard compression", 50001: "WebP compression",
		50002: "JPEG XL compression"}
	tiffFormats = map[uint32]string{2: "signed samples", 3: "floating-point samples", 5: "complex samples", 6: "complex samples"}
)

// tiffPage is a directory whose pixels can be read.
type tiffPage struct {
	*tiffHead
	shape
	bits, samples  int // bits per sample, samples per pixel in the file
	photometric    uint32
	compression    uint32
	predicted      bool // samples are differences from those on the left
	planar         bool // each channel is stored separately
	tiled          bool
	alphaAt        int    // the sample that is alpha
	dropped        int    // extra samples of unknown meaning
	chunkW, chunkH int    // of a tile or strip
	across, down   int    // how many there are
	palette        []byte // RGB
	offsets        field
	counts         field
}

// page validates a directory and describes its pixels.
func (h *tiffHead) page(limits Limits) (*tiffPage, error) {
	if what := h.raw(); what != "" {
		return nil, rawFile(what)
	}
	p := &tiffPage{tiffHead: h, alphaAt: -1}
	p.w, p.h = int(h.value(tagImageWidth, 0)), int(h.value(tagImageLength, 0))
	if err := limits.check(p.w, p.h); err != nil {
		return nil, err
	}
	p.samples = int(h.value(tagSamplesPerPixel, 1))
	p.compression = h.value(tagCompression, tiffNone)
	const apart = 2
	p.planar = h.value(tagPlanarConfig, 1) == apart && p.samples > 1
	for _, check := range []func() error{p.checkColour, p.checkCompression, p.checkBits, p.takeAlpha, p.takePalette, p.takeChunks} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	p.depth = 8
	if p.bits > 8 {
		p.depth = 16
	}
	p.grey, p.alpha = p.photometric <= tiffBlackIsZero, p.alphaAt >= 0
	return p, nil
}

func (p *tiffPage) checkColour() error {
	const none, cmyk = 1 << 31, 1
	p.photometric = p.value(tagPhotometric, none)
	if p.photometric == none && p.fax() {
		p.photometric = tiffWhiteIsZero // as fax is defined
	}
	switch {
	case p.photometric == tiffInks && p.value(tagInkSet, cmyk) != cmyk:
		return unsupported(TIFF, "inks other than CMYK")
	case p.photometric <= tiffPalette || p.photometric == tiffInks:
		return nil
	case p.photometric == tiffYCbCr && (p.compression != tiffJPEG || p.planar):
		return unsupported(TIFF, "YCbCr colour that is not in interleaved JPEG")
	case p.photometric == tiffYCbCr:
		return nil
	case p.photometric == none:
		return damaged(TIFF, "it does not say what its samples mean (PhotometricInterpretation)")
	case tiffColours[p.photometric] != "":
		return unsupported(TIFF, "%s", tiffColours[p.photometric])
	}
	return unsupported(TIFF, "an unknown kind of colour (PhotometricInterpretation %d)", p.photometric)
}

func (p *tiffPage) fax() bool { return p.compression == tiffGroup3 || p.compression == tiffGroup4 }

func (p *tiffPage) checkCompression() error {
	switch p.compression {
	case tiffNone:
	case tiffPackBits: // libtiff ignores a predictor here, others apply it
		if p.value(tagPredictor, 1) != 1 {
			return unsupported(TIFF, "a predictor in PackBits compression")
		}
	case tiffLZW, tiffDeflate, tiffOldDeflate:
		switch predictor := p.value(tagPredictor, 1); predictor {
		case 1:
		case 2:
			p.predicted = true
		case 3:
			return unsupported(TIFF, "floating-point samples (predictor 3)")
		default:
			return unsupported(TIFF, "predictor %d", predictor)
		}
	case tiffJPEG:
	case tiffGroup3, tiffGroup4:
		const twoDimensional, uncompressed = 1, 2
		options := p.value(map[uint32]uint16{tiffGroup3: tagT4Options, tiffGroup4: tagT6Options}[p.compression], 0)
		if options&uncompressed != 0 {
			return unsupported(TIFF, "fax compression in uncompressed mode")
		}
		if p.compression == tiffGroup3 && options&twoDimensional != 0 {
			return unsupported(TIFF, "two-dimensional Group 3 fax compression")
		}
	default:
		if what := tiffCompressions[p.compression]; what != "" {
			return unsupported(TIFF, "%s", what)
		}
		return unsupported(TIFF, "compression %d", p.compression)
	}
	return nil
}

func (p *tiffPage) checkBits() error {
	const maxSamples = 16
	if p.samples < p.stored() || p.samples > maxSamples {
		return unsupported(TIFF, "%d samples a pixel where %d are colour", p.samples, p.stored())
	}
	bits := p.values(tagBitsPerSample)
	if !p.has(tagBitsPerSample) {
		bits = []int64{1}
	}
	if len(bits) == 0 {
		return damaged(TIFF, "the number of its bits cannot be read")
	}
	p.bits = int(bits[0])
	if i := slices.IndexFunc(bits, func(b int64) bool { return b != bits[0] }); i >= 0 && i < p.samples {
		return unsupported(TIFF, "channels of different depths (%d and %d bits)", bits[0], bits[i])
	}
	for _, f := range p.values(tagSampleFormat) {
		if what := tiffFormats[uint32(f)]; what != "" {
			return unsupported(TIFF, "%s of %d bits", what, p.bits)
		}
	}
	return p.checkDepth()
}

// checkDepth refuses unsupported depths, and depths that are unsupported with the
// picture's other properties.
func (p *tiffPage) checkDepth() error {
	shallowest, deepest, where := 1, 32, ""
	switch {
	case p.fax():
		deepest, where = 1, "fax compression"
	case p.photometric == tiffPalette:
		deepest, where = 8, "a palette"
	case p.compression == tiffJPEG:
		shallowest, deepest, where = 8, 8, "JPEG compression"
	}
	switch {
	case p.bits < 1 || p.bits > 16 && p.bits != 32:
		return unsupported(TIFF, "%d bits a sample", p.bits)
	case p.bits < shallowest || p.bits > deepest:
		return unsupported(TIFF, "%d bits a sample in %s", p.bits, where)
	case p.fax() && p.samples > 1:
		return unsupported(TIFF, "%d samples a pixel in %s", p.samples, where)
	case p.predicted && p.bits%8 != 0:
		return unsupported(TIFF, "a predictor for samples of %d bits", p.bits)
	}
	return nil
}

// takeAlpha finds the extra sample that is alpha, and counts the others.
func (p *tiffPage) takeAlpha() error {
	kinds := p.values(tagExtraSamples)
	for i := range p.samples - p.stored() {
		const unspecified, associated, straight, corel = 0, 1, 2, 999
		kind := int64(straight) // many writers of four samples leave out the tag
		if i < len(kinds) {
			kind = kinds[i]
		} else if len(kinds) > 0 || i > 0 || p.photometric == tiffInks {
			kind = unspecified
		}
		if known := kind == associated || kind == straight || kind == corel; known && p.alphaAt < 0 {
			p.alphaAt, p.premult = p.stored()+i, kind == associated
		} else {
			p.dropped++
		}
	}
	return nil
}

// takePalette reads ColorMap: all reds, greens and blues, 16 bits each. If none needs more
// than eight, the writer meant eight, as libtiff assumes too.
func (p *tiffPage) takePalette() error {
	if p.photometric != tiffPalette {
		return nil
	}
	n := 1 << p.bits
	data := p.data(tagColorMap)
	if f, _ := p.find(tagColorMap); len(data) < 3*2*n || f.kind != typeShort {
		return damaged(TIFF, "its palette has %d bytes", len(data))
	}
	at := func(i int) uint16 { return p.order.Uint16(data[2*i:]) }
	shift := 0
	for i := range 3 * n {
		if at(i) > 255 {
			shift = 8
		}
	}
	p.palette = make([]byte, 3*n)
	for i := range p.palette {
		p.palette[i] = byte(at(i%3*n+i/3) >> shift)
	}
	return nil
}

// takeChunks determines how the pixels are divided into tiles or strips.
func (p *tiffPage) takeChunks() error {
	p.tiled = p.has(tagTileWidth)
	offsets, counts := uint16(tagStripOffsets), uint16(tagStripByteCounts)
	rows := p.value(tagRowsPerStrip, 0) // if unknown, all of them
	p.chunkW, p.chunkH = p.w, int(min(int64(cmp.Or(rows, math.MaxUint32)), int64(p.h)))
	if p.tiled {
		offsets, counts = tagTileOffsets, tagTileByteCounts
		p.chunkW, p.chunkH = int(p.value(tagTileWidth, 0)), int(p.value(tagTileLength, 0))
	}
	const padding = 1 << 16 // no writer's tiles are wider than the picture by more
	if p.chunkW <= 0 || p.chunkH <= 0 || p.chunkW > p.w+padding {
		return damaged(TIFF, "its strips or tiles are %d×%d", p.chunkW, p.chunkH)
	}
	p.across, p.down = (p.w-1)/p.chunkW+1, (p.h-1)/p.chunkH+1
	p.offsets, _ = p.find(offsets)
	p.counts, _ = p.find(counts)
	if need := p.chunks(); int64(p.offsets.count) < need || p.counts.count > 0 && int64(p.counts.count) < need {
		return damaged(TIFF, "it has %d strips or tiles, but %d are needed", min(p.offsets.count, p.counts.count), need)
	}
	if n := p.offsets.count; !p.tiled && rows == 0 && int64(n) > p.chunks() {
		return damaged(TIFF, "it has %d strips of unknown height (RowsPerStrip)", n)
	}
	return nil
}

// stored returns the number of colour samples per pixel in the file.
func (p *tiffPage) stored() int {
	switch p.photometric {
	case tiffRGB, tiffYCbCr:
		return 3
	case tiffInks:
		return 4
	}
	return 1
}

// chunks returns the number of strips or tiles.
func (p *tiffPage) chunks() int64 { return int64(p.planes()) * int64(p.across) * int64(p.down) }

// planes returns the number of images in which the channels are stored.
func (p *tiffPage) planes() int {
	if p.planar {
		return p.samples
	}
	return 1
}

// inRow returns how many samples of a pixel are adjacent.
func (p *tiffPage) inRow() int {
	if p.planar {
		return 1
	}
	return p.samples
}

// rowBytes returns the length of a row of a chunk, uncompressed.
func (p *tiffPage) rowBytes() int { return (p.chunkW*p.inRow()*p.bits + 7) / 8 }

// notes reports what is not read of the pixels.
func (p *tiffPage) notes() (notes []string) {
	if p.dropped > 0 {
		notes = append(notes, "what has no known meaning was dropped: "+english.Plural(p.dropped, "extra channel", ""))
	}
	if p.photometric == tiffInks {
		notes = append(notes, inksNote)
	}
	if p.bits > 16 {
		notes = append(notes, fmt.Sprintf("samples of %d bits were reduced to 16", p.bits))
	}
	return notes
}
