package imageio

import (
	"errors"
	"io"
	"math"
)

// tiffWriter writes a big-endian TIFF of strips that are not compressed: their
// places are known beforehand, so that it can be written to a pipe, and every
// program reads it. The directory follows the pixels.
type tiffWriter struct {
	out  io.Writer
	info *Info
	size int64 // of the pixels
}

const tiffHeader = 8

func newTIFFWriter(out io.Writer, info *Info, _ Options) (rowWriter, error) {
	w := &tiffWriter{out: out, info: info}
	w.size = int64(info.W) * int64(info.H) * int64(info.shape().pixelBytes())
	const directories = 128 << 20 // room for metadata
	if w.size > math.MaxUint32-directories {
		return nil, errors.New("the picture needs more than the 4 GiB of a TIFF: write PNG")
	}
	head := tiffOrder.AppendUint32([]byte("MM\x00*"), uint32(w.directoryAt()))
	_, err := out.Write(head)
	return w, err
}

// directoryAt is where the directory begins, on a word boundary.
func (w *tiffWriter) directoryAt() int64 { return tiffHeader + w.size + w.size%2 }

func (w *tiffWriter) rows(pix []byte, n int) error {
	_, err := w.out.Write(pix[:n*w.info.W*w.info.shape().pixelBytes()])
	return err
}

func (w *tiffWriter) close() error {
	pad := make([]byte, w.size%2)
	b, _ := w.directory().appendTo(pad, int(tiffHeader+w.size))
	_, err := w.out.Write(b)
	return err
}

// directory describes the picture and carries its metadata.
func (w *tiffWriter) directory() directory {
	i, samples := w.info, w.info.shape().samples()
	depths := make([]int, samples)
	for k := range depths {
		depths[k] = i.Depth
	}
	const blackIsZero, rgb, notMultiplied = 1, 2, 2
	photometric := rgb
	if i.Grey {
		photometric = blackIsZero
	}
	offsets, counts, rows := w.strips()
	d := directory{
		longs(tagImageWidth, uint32(i.W)), longs(tagImageLength, uint32(i.H)),
		shorts(tagBitsPerSample, depths...), shorts(tagCompression, 1),
		shorts(tagPhotometric, photometric), shorts(tagOrientation, 1),
		shorts(tagSamplesPerPixel, samples), shorts(tagPlanarConfig, 1),
		longs(tagRowsPerStrip, uint32(rows)), longs(tagStripOffsets, offsets...), longs(tagStripByteCounts, counts...),
	}
	if i.Alpha {
		d = append(d, shorts(tagExtraSamples, notMultiplied))
	}
	return append(d, tiffMetadata(&i.Meta)...)
}

// strips are the places and sizes of strips of about 64 KiB.
func (w *tiffWriter) strips() (offsets, counts []uint32, rows int) {
	stride := w.info.W * w.info.shape().pixelBytes()
	rows = max(1, (64<<10)/stride)
	for y := 0; y < w.info.H; y += rows {
		offsets = append(offsets, uint32(tiffHeader+int64(y)*int64(stride)))
		counts = append(counts, uint32(min(rows, w.info.H-y)*stride))
	}
	return offsets, counts, rows
}

// tiffMetadata is m as fields of the first directory.
func tiffMetadata(m *Metadata) (d directory) {
	if m.EXIF != nil {
		fields, err := exifFields(m.EXIF)
		if err != nil {
			panic("imageio: " + err.Error()) // fit has read them
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
