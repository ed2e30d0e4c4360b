package imageio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// tiffWriter writes a TIFF of uncompressed strips, big-endian like packed's samples: their offsets are known
// beforehand, so that it can be written to a pipe, and every program can read it. Each
// page is its directory followed by its pixels.
type tiffWriter struct {
	out    io.Writer
	info   *Info
	pixels int64 // offset of the pixels
	size   int64 // their size
}

const tiffHeader = 8

func newTIFFWriter(out io.Writer, info *Info, o Options) (rowWriter, error) {
	w := &tiffWriter{out: out, info: info, size: info.shape().bytes()}
	start := max(o.start, tiffHeader)
	places, _ := w.directory().appendTo(nil, int(start), binary.BigEndian) // the same length as with the right offsets
	w.pixels = start + int64(len(places))
	if w.end() > math.MaxUint32 {
		return nil, errors.New("the result needs more than the 4 GiB of a TIFF: write PNG")
	}
	b, at := w.directory().appendTo(nil, int(start), binary.BigEndian)
	if o.more {
		entries := b[int64(at)-start:]
		binary.BigEndian.PutUint32(entries[2+12*int(binary.BigEndian.Uint16(entries)):], uint32(w.end()))
	}
	if o.start == 0 {
		b = append(binary.BigEndian.AppendUint32([]byte("MM\x00*"), tiffHeader), b...)
	}
	_, err := out.Write(b)
	return w, err
}

// end returns where the page ends and another may begin, on a word boundary.
func (w *tiffWriter) end() int64 { return (w.pixels + w.size + 1) &^ 1 }

func (w *tiffWriter) row(pix []byte) error {
	_, err := w.out.Write(pix)
	return err
}

func (w *tiffWriter) close() error {
	_, err := w.out.Write(make([]byte, w.end()-w.pixels-w.size))
	return err
}

// directory describes the picture and carries its metadata.
func (w *tiffWriter) directory() directory {
	i, samples := w.info, w.info.shape().samples()
	const blackIsZero, rgb, notMultiplied = 1, 2, 2
	photometric := rgb
	if i.Grey {
		photometric = blackIsZero
	}
	offsets, counts, rows := w.strips()
	d := directory{
		longs(tagImageWidth, uint32(i.W)), longs(tagImageLength, uint32(i.H)),
		shorts(tagBitsPerSample, slices.Repeat([]int{i.Depth}, samples)...), shorts(tagCompression, 1),
		shorts(tagPhotometric, photometric), shorts(tagOrientation, 1),
		shorts(tagSamplesPerPixel, samples), shorts(tagPlanarConfig, 1),
		longs(tagRowsPerStrip, uint32(rows)), longs(tagStripOffsets, offsets...), longs(tagStripByteCounts, counts...),
	}
	if i.Alpha {
		d = append(d, shorts(tagExtraSamples, notMultiplied))
	}
	return append(d, tiffMetadata(&i.Meta)...)
}

// strips returns the offsets and sizes of strips of about 64 KiB.
func (w *tiffWriter) strips() (offsets, counts []uint32, rows int) {
	stride := w.info.W * w.info.shape().pixelBytes()
	rows = max(1, (64<<10)/stride)
	for y := 0; y < w.info.H; y += rows {
		offsets = append(offsets, uint32(w.pixels+int64(y)*int64(stride)))
		counts = append(counts, uint32(min(rows, w.info.H-y)*stride))
	}
	return offsets, counts, rows
}

// tiffMetadata returns m as fields of the first directory.
func tiffMetadata(m *Metadata) (d directory) {
	if m.EXIF != nil {
		fields, err := exifFields(m.EXIF)
		if err != nil {
			panic("imageio: " + err.Error()) // fit has parsed them before
		}
		d = append(d, fields...)
	}
	if m.XMP != nil {
		e := raw(tagXMP, m.XMP)
		e.kind = typeByte
		d = append(d, e)
	}
	if m.ICC != nil {
		d = append(d, raw(tagICC, m.ICC))
	}
	if m.Resolution.known() {
		d = append(d, resolutionFields(m.Resolution)...)
	}
	if m.ownOf == TIFF {
		d = append(d, m.ownTags...)
	}
	return d
}

// Pages writes several pictures into a TIFF.
type Pages struct {
	out  io.Writer
	o    Options
	left int
}

// NewPages begins a file of n pictures.
func NewPages(w io.Writer, o Options, n int) *Pages { return &Pages{out: w, o: o, left: n} }

// Next begins the next picture, which is like info. The previous one must be closed.
func (p *Pages) Next(info Info) (*Writer, error) {
	p.left--
	p.o.more = p.left > 0
	w, err := NewWriter(p.out, info, p.o)
	if err != nil {
		return nil, err
	}
	page, ok := w.enc.(*tiffWriter)
	if !ok || p.left < 0 {
		return nil, fmt.Errorf("a %s cannot hold more than one picture", info.Format)
	}
	p.o.start = page.end()
	return w, nil
}
