package imageio

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
)

// Metadata is what a file says about its picture, carried unchanged except for the
// orientation, which is 1 in both EXIF and XMP because pixels are upright.
type Metadata struct {
	EXIF []byte // a TIFF structure, as in a JPEG after "Exif\0\0"
	ICC  []byte // a colour profile
	XMP  []byte // a packet of XML
	// Resolution is that of the upright picture, like its pixels.
	Resolution Resolution

	// What only the picture's original format can hold.
	ownOf   Format
	own     []segment // of PNG and JPEG
	ownTags directory // of TIFF
}

// segment is a PNG chunk or a JPEG segment.
type segment struct {
	kind string // a chunk's type or a marker's byte
	data []byte
}

// ownTo returns the format's own segments if the picture is written in the format it
// was read from.
func (m *Metadata) ownTo(f Format) []segment {
	if m.ownOf == f {
		return m.own
	}
	return nil
}

// adopt takes over EXIF and XMP from the file of a picture with orientation turn.
func (i *Info) adopt(turn orientation, exif, xmp []byte) {
	m := &i.Meta
	if len(exif) > 0 {
		m.EXIF = uprightEXIF(exif, turn)
	}
	if len(xmp) > 0 {
		var note string
		if m.XMP, note = uprightXMP(xmp, turn); note != "" {
			i.Notes = append(i.Notes, note)
		}
	}
	m.Resolution = m.Resolution.or(exifResolution(exif)).turned(turn)
}

// adoptICC takes over a colour profile if it is for the picture's kind of colour;
// otherwise it adds a note.
func (i *Info) adoptICC(icc []byte) {
	const header, signature = 128, 36
	if icc == nil {
		return
	}
	want := "RGB "
	if i.Grey {
		want = "GRAY"
	}
	switch {
	case len(icc) < header || uint64(binary.BigEndian.Uint32(icc)) > uint64(len(icc)) || string(icc[signature:signature+4]) != "acsp":
		i.Notes = append(i.Notes, "a damaged colour profile was dropped")
	case string(icc[16:20]) != want:
		i.Notes = append(i.Notes, fmt.Sprintf("the colour profile was dropped: it is for %q, not %q",
			bytes.TrimSpace(icc[16:20]), bytes.TrimSpace([]byte(want))))
	default:
		i.Meta.ICC = icc
	}
}

// inflate decompresses zlib data; nil if they are damaged or more than m has room for.
func inflate(data []byte, m *meter) []byte {
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	defer z.Close()
	out, err := io.ReadAll(io.LimitReader(z, m.room()+1))
	if err != nil || !m.take(int64(len(out))) {
		return nil
	}
	return out
}

func deflate(data []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write(data); err != nil || z.Close() != nil {
		panic("imageio: a buffer did not take data")
	}
	return b.Bytes()
}
