package imageio

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// jpegTIFF returns a TIFF whose only strip or tile is a JPEG of w×h pixels, with its
// tables in the directory if apart is set.
func jpegTIFF(jpg []byte, w, h, samples int, tiled, apart bool) []byte {
	d := directory{longs(tagImageWidth, uint32(w)), longs(tagImageLength, uint32(h)), shorts(tagCompression, tiffJPEG),
		shorts(tagSamplesPerPixel, samples)}
	if samples == 1 {
		d = append(d, shorts(tagBitsPerSample, 8), shorts(tagPhotometric, tiffBlackIsZero))
	} else {
		d = append(d, shorts(tagBitsPerSample, 8, 8, 8), shorts(tagPhotometric, tiffYCbCr))
	}
	if apart {
		var tables []byte
		jpg, tables = withoutTables(jpg)
		d = append(d, raw(tagJPEGTables, tables))
	}
	offset, size := uint32(8), uint32(len(jpg))
	if tiled {
		d = append(d, longs(tagTileWidth, uint32(w)), longs(tagTileLength, uint32(h)), longs(tagTileOffsets, offset), longs(tagTileByteCounts, size))
	} else {
		d = append(d, longs(tagRowsPerStrip, uint32(h)), longs(tagStripOffsets, offset), longs(tagStripByteCounts, size))
	}
	body, at := d.appendTo(nil, 8+len(jpg), binary.BigEndian)
	return slices.Concat(binary.BigEndian.AppendUint32([]byte("MM\x00*"), uint32(at)), jpg, body)
}

// withoutTables splits a JPEG into one without tables and one with only tables.
func withoutTables(jpg []byte) (rest, tables []byte) {
	tables = []byte{0xff, markerSOI}
	for _, marker := range []byte{0xc4, 0xdb} {
		for data := jpg; ; {
			at := bytes.Index(data, []byte{0xff, marker})
			if at < 0 {
				break
			}
			end := at + 2 + int(binary.BigEndian.Uint16(data[at+2:]))
			tables, data = append(tables, data[at:end]...), data[end:]
		}
		jpg = withoutMarker(jpg, marker)
	}
	return jpg, append(tables, 0xff, markerEOI)
}

// TestJPEGInTIFF: JPEGs in TIFFs are read like JPEG files.
func TestJPEGInTIFF(t *testing.T) {
	n := 0
	for _, name := range []string{"420", "422", "440", "444", "411", "grey", "restarts", "narrow", "s3x1_baseline", "s1x1_2x2_1x1_baseline", "progressive"} {
		jpg := fixture(t, "jpeg_"+name+".jpg")
		want := decoded(t, jpg)
		samples := 3
		if want.Grey {
			samples = 1
		}
		for flags := range 4 {
			tiled, apart := flags&1 > 0, flags&2 > 0 && name != "progressive" // progressive has tables between its scans
			m := describes(t, jpegTIFF(jpg, want.W, want.H, samples, tiled, apart))
			if m.Format != TIFF {
				t.Errorf("%s: read as %v", name, m.Format)
			}
			same(t, m, want)
			n++
		}
	}
	t.Logf("%d variants", n)
}

// TestBadJPEGInTIFF: strips that contradict the directory are refused.
func TestBadJPEGInTIFF(t *testing.T) {
	jpg := fixture(t, "jpeg_444.jpg")
	m := decoded(t, jpg)
	arithmetic := bytes.Replace(jpg, []byte{0xff, 0xc0}, []byte{0xff, 0xc9}, 1)
	huge := bytes.Clone(jpg)
	copy(huge[bytes.Index(jpg, []byte{0xff, 0xc0})+5:], "\xff\xff\xff\xff")
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"wider":      {jpegTIFF(jpg, m.W-1, m.H, 3, false, false), "but there is room for"},
		"higher":     {jpegTIFF(jpg, m.W, m.H-1, 3, false, false), "but there is room for"},
		"huge":       {jpegTIFF(huge, m.W, m.H, 3, false, false), "65535×65535, but there is room"},
		"narrower":   {jpegTIFF(jpg, m.W+1, m.H, 3, false, false), "pixels wide"},
		"lower":      {jpegTIFF(jpg, m.W, m.H+1, 3, false, false), "cut short"},
		"grey":       {jpegTIFF(fixture(t, "jpeg_grey.jpg"), m.W, m.H, 3, false, false), "channels"},
		"arithmetic": {jpegTIFF(arithmetic, m.W, m.H, 3, false, false), "arithmetic coding, which cannot be read"},
		"half":       {jpegTIFF(jpg[:len(jpg)/2], m.W, m.H, 3, false, false), "TIFF"},
	} {
		if got, err := Decode(bytes.NewReader(c.data), "test", Limits{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: read as %+v, %v, want %q", name, got, err, c.want)
		}
	}
}

// bigTIFF returns a TIFF's single page as a BigTIFF in either byte order, with 64-bit
// offsets. Samples stay as they are.
func bigTIFF(t testing.TB, file []byte, little bool) []byte {
	t.Helper()
	old, first, err := directories(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	d, err := old.directory(first)
	if err != nil {
		t.Fatal(err)
	}
	fields := d.fields
	var order binary.AppendByteOrder = binary.BigEndian
	if little {
		order = binary.LittleEndian
	}
	const head, width, number = 16, 20, 8
	at := head + len(file)
	dir := order.AppendUint64(nil, uint64(len(fields)))
	values := at + number + width*len(fields) + number
	var behind []byte
	for _, f := range fields {
		data, err := old.bytes(f)
		if err != nil {
			t.Fatal(err)
		}
		if f.tag == tagStripOffsets || f.tag == tagTileOffsets {
			f.kind, data = typeLong8, wider(data, head)
		}
		if little {
			tiffFile{order: binary.LittleEndian}.bigEndian(entry{kind: f.kind, data: data})
		}
		dir = order.AppendUint64(order.AppendUint16(order.AppendUint16(dir, f.tag), f.kind), uint64(f.count))
		if len(data) > number {
			dir = order.AppendUint64(dir, uint64(values+len(behind)))
			behind = append(behind, data...)
			continue
		}
		dir = append(append(dir, data...), make([]byte, number-len(data))...)
	}
	begin := bigBig
	if little {
		begin = bigLittle
	}
	return slices.Concat(order.AppendUint64([]byte(begin), uint64(at)), file, dir, make([]byte, number), behind)
}

// wider turns 32-bit numbers into 64-bit ones, adding more.
func wider(data []byte, more uint64) (out []byte) {
	for ; len(data) > 0; data = data[4:] {
		out = binary.BigEndian.AppendUint64(out, uint64(binary.BigEndian.Uint32(data))+more)
	}
	return out
}

// TestBigTIFF: BigTIFFs are read like TIFFs, with their metadata.
func TestBigTIFF(t *testing.T) {
	for _, v := range []tiffVariant{
		{photometric: tiffRGB, bits: 8, samples: 4, extra: []int{2}, compression: tiffDeflate, tiled: true},
		{photometric: tiffPalette, bits: 4, samples: 1, compression: tiffPackBits},
		{photometric: tiffBlackIsZero, bits: 1, samples: 1, compression: tiffNone},
		{photometric: tiffInks, bits: 8, samples: 4, compression: tiffNone, planar: true},
	} {
		for _, little := range []bool{false, true} {
			same(t, describes(t, bigTIFF(t, v.file(), little)), decoded(t, v.file()))
		}
	}
	info := Info{Format: TIFF, W: 5, H: 4, Depth: 8, Meta: Metadata{
		EXIF: exifBlock(entry{tag: 271, kind: typeASCII, count: 7, data: []byte("Camera\x00")}),
		ICC:  iccOf("RGB ", 20), XMP: []byte(packet("", "text")), Resolution: dpi(300)}}
	for _, little := range []bool{false, true} {
		m := describes(t, bigTIFF(t, encoded(t, sceneOf(info), info, Options{}), little))
		if !bytes.Contains(m.Meta.EXIF, []byte("Camera")) || !bytes.Equal(m.Meta.ICC, info.Meta.ICC) ||
			!bytes.Equal(m.Meta.XMP, info.Meta.XMP) || m.Meta.Resolution != info.Meta.Resolution || len(m.Notes) > 0 {
			t.Errorf("little-endian %v: read %+v", little, m.Info)
		}
	}
}
