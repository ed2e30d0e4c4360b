package imageio

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"
	"math"
	"strconv"

	"golang.org/x/image/tiff"
)

// tiffColours and tiffCompressions name what golang.org/x/image/tiff does not
// read, by PhotometricInterpretation and Compression.
var (
	tiffColours = map[uint32]string{4: "a transparency mask", 5: "CMYK colour", 6: "YCbCr colour",
		8: "Lab colour", 9: "Lab colour", 10: "Lab colour", 32803: "raw sensor data",
		32844: "LogLuv colour", 32845: "LogLuv colour", 34892: "raw sensor data"}
	tiffCompressions = map[uint32]string{2: "fax compression", 6: "JPEG compression", 7: "JPEG compression",
		34712: "JPEG 2000 compression", 34925: "LZMA compression", 50000: "Zstandard compression",
		50001: "WebP compression"}
)

// tiffOwn are tags that only a TIFF can carry: IPTC and Photoshop's blocks.
var tiffOwn = []uint16{33723, 34377}

// tiffHead is a TIFF's first directory.
type tiffHead struct {
	tiffFile
	fields map[uint16]field
}

func readTIFFHead(r io.ReaderAt) (*tiffHead, error) {
	t, first, err := openTIFF(r)
	if err != nil {
		return nil, err
	}
	list, _, err := t.directory(first)
	if err != nil {
		return nil, err
	}
	h := &tiffHead{t, map[uint16]field{}}
	for _, f := range list {
		h.fields[f.tag] = f
	}
	return h, nil
}

// value is the first number of a tag, or otherwise if it is not there.
func (h *tiffHead) value(tag uint16, otherwise uint32) uint32 {
	if f, ok := h.fields[tag]; ok {
		return h.uint(f, otherwise)
	}
	return otherwise
}

// data are a tag's bytes, nil if it is not there or cannot be read.
func (h *tiffHead) data(tag uint16) []byte {
	f, ok := h.fields[tag]
	if !ok {
		return nil
	}
	b, err := h.bytes(f)
	if err != nil {
		return nil
	}
	return b
}

// number is a tag's rational number, 0 if it has none.
func (h *tiffHead) number(tag uint16) float64 {
	b := h.data(tag)
	if len(b) < 8 || h.fields[tag].kind != typeRational {
		return 0
	}
	den := h.order.Uint32(b[4:])
	if den == 0 {
		return 0
	}
	return float64(h.order.Uint32(b)) / float64(den)
}

// check names the variants that cannot be read.
func (h *tiffHead) check() error {
	if what := tiffColours[h.value(tagPhotometric, 0)]; what != "" {
		return unsupported(TIFF, "%s", what)
	}
	if what := tiffCompressions[h.value(tagCompression, 1)]; what != "" {
		return unsupported(TIFF, "%s", what)
	}
	if h.value(tagPlanarConfig, 1) != 1 && h.value(tagSamplesPerPixel, 1) > 1 {
		return unsupported(TIFF, "each channel stored apart (PlanarConfiguration 2)")
	}
	if h.value(tagSampleFormat, 1) == 3 {
		return unsupported(TIFF, "floating-point samples")
	}
	return nil
}

// decodeTIFF reads a TIFF's first picture with golang.org/x/image/tiff.
func decodeTIFF(r io.ReadSeeker, limits Limits) (*Image, error) {
	file, err := section(r)
	if err != nil {
		return nil, err
	}
	h, err := readTIFFHead(file)
	if err != nil {
		return nil, err
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	// The library reads at will from a section, and a whole copy of other readers.
	img, err := library(TIFF, r, limits,
		func(io.Reader) (image.Config, error) { return tiff.DecodeConfig(file) },
		func(io.Reader) (image.Image, error) { return tiff.Decode(file) })
	if err != nil {
		return nil, err
	}
	m := &Image{Info: Info{Format: TIFF, Alpha: h.value(tagSamplesPerPixel, 1) > 3}}
	if err := m.setStd(img); err != nil {
		return nil, err
	}
	m.describe(m.src.(*packed))
	h.metadata(m, file)
	m.W, m.H = m.turn.size(img.Bounds().Dx(), img.Bounds().Dy())
	return m, nil
}

// section is r's whole content, to be read at any place.
func section(r io.ReadSeeker) (*io.SectionReader, error) {
	at, ok := r.(io.ReaderAt)
	if !ok {
		if _, err := r.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		all, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		at = bytes.NewReader(all)
	}
	return io.NewSectionReader(at, 0, math.MaxInt64), nil
}

// turn is how the directory, or XMP if it does not say, describes the way in
// which the picture is stored.
func (h *tiffHead) turn() orientation {
	if f, ok := h.fields[tagOrientation]; ok {
		turn, _ := h.tiffFile.turn([]field{f})
		return turn
	}
	return turnOf(nil, h.data(tagXMP))
}

// metadata takes over what the directory tells beside the pixels.
func (h *tiffHead) metadata(m *Image, file io.ReaderAt) {
	d, err := origin(file)
	if err != nil {
		m.Notes = append(m.Notes, "damaged EXIF fields were dropped")
	}
	m.adoptICC(h.data(tagICC))
	// The unit is an inch or, 3, a centimetre; 1 is none.
	scale := map[uint32]float64{2: 1, 3: 2.54}[h.value(tagResolutionUnit, 2)]
	m.Meta.DPI = [2]float64{scale * h.number(tagXResolution), scale * h.number(tagYResolution)}
	m.turn = h.turn()
	m.adopt(m.turn, exifFrom(d, m.turn), h.data(tagXMP))
	m.Meta.ownOf = TIFF
	for _, tag := range tiffOwn {
		if data := h.data(tag); data != nil {
			m.Meta.own = append(m.Meta.own, segment{strconv.Itoa(int(tag)), data})
		}
	}
}

// tiffOrder is the byte order in which TIFFs are written: that of packed's
// 16-bit samples.
var tiffOrder = binary.BigEndian
