package imageio

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
)

// exifWith returns a big-endian EXIF block with an orientation field of any type.
func exifWith(kind uint16, count uint32, values ...byte) []byte {
	return exifBlock(entry{tag: tagOrientation, kind: kind, count: count, data: values})
}

// exifBlock returns a big-endian EXIF block of fields.
func exifBlock(d ...entry) []byte {
	b, _ := directory(d).appendTo(nil, 8, binary.BigEndian)
	return append([]byte("MM\x00*\x00\x00\x00\x08"), b...)
}

// utf16XMP returns a packet in UTF-16 with a byte order mark.
func utf16XMP(text string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
		b = binary.BigEndian.AppendUint16(b, u)
	}
	return string(b)
}

const (
	xmpAttribute = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></x:xmpmeta>`
	xmpElement   = "<x:xmpmeta><rdf:Description xmlns:tiff='http://ns.adobe.com/tiff/1.0/'><tiff:Orientation>\n 6 </tiff:Orientation></rdf:Description></x:xmpmeta>"
	xmpPrefix    = `<x:xmpmeta><rdf:Description xmlns:t="http://ns.adobe.com/tiff/1.0/" t:Orientation = '6'/></x:xmpmeta>`
	xmpTwice     = `<x:xmpmeta><rdf:Description tiff:Orientation="6"/><rdf:Description><tiff:Orientation>6</tiff:Orientation></rdf:Description></x:xmpmeta>`
	xmpOther     = `<x:xmpmeta><rdf:Description xmlns:tiff="http://example.org/" tiff:Orientation="6"/></x:xmpmeta>`
	xmpBroken    = `<x:xmpmeta><rdf:Description tiff:Orientation="6"></x:xmpmeta`
	xmpNone      = `<x:xmpmeta/>`
)

// orientations are ways in which files state an orientation, and its value.
var orientations = map[string]struct {
	exif []byte
	xmp  string
	turn orientation
}{
	"nothing":            {nil, "", 1},
	"one short":          {exifWith(typeShort, 1, 0, 6), "", 6},
	"little-endian":      {exifOf(6, 12, 10), "", 6},
	"two shorts":         {exifWith(typeShort, 2, 0, 6, 0, 3), "", 6},
	"three shorts":       {exifWith(typeShort, 3, 0, 6, 0, 3, 0, 1), "", 6},
	"a long":             {exifWith(typeLong, 1, 0, 0, 0, 6), "", 6},
	"two longs":          {exifWith(typeLong, 2, 0, 0, 0, 6, 0, 0, 0, 1), "", 6},
	"a byte":             {exifWith(typeByte, 1, 6), "", 6},
	"a signed short":     {exifWith(typeSShort, 1, 0, 6), "", 6},
	"a signed long":      {exifWith(typeSLong, 1, 0, 0, 0, 6), "", 6},
	"a rational":         {exifWith(typeRational, 1, 0, 0, 0, 12, 0, 0, 0, 2), "", 6},
	"text":               {exifWith(typeASCII, 2, '6', 0), "", 1},
	"no values":          {exifWith(typeShort, 0), "", 1},
	"9":                  {exifWith(typeShort, 1, 0, 9), "", 1},
	"0":                  {exifWith(typeShort, 1, 0, 0), "", 1},
	"an attribute":       {nil, xmpAttribute, 6},
	"an element":         {nil, xmpElement, 6},
	"another prefix":     {nil, xmpPrefix, 6},
	"no declaration":     {nil, xmpSample, 6},
	"stated twice":       {nil, xmpTwice, 6},
	"another namespace":  {nil, xmpOther, 1},
	"not well-formed":    {nil, xmpBroken, 1},
	"UTF-16":             {nil, utf16XMP(xmpAttribute), 1},
	"padded with zeros":  {nil, xmpAttribute + "\x00\x00", 6},
	"XMP without it":     {nil, xmpNone, 1},
	"both, and equal":    {exifOf(6, 12, 10), xmpAttribute, 6},
	"EXIF says upright":  {exifOf(1, 12, 10), xmpAttribute, 1},
	"EXIF says another":  {exifOf(3, 12, 10), xmpAttribute, 3},
	"EXIF without it":    {exifBlock(entry{tag: 271, kind: typeASCII, count: 2, data: []byte("A\x00")}), xmpAttribute, 6},
	"EXIF is damaged":    {[]byte("not a block at all"), xmpAttribute, 6},
	"XMP of eight":       {nil, strings.Replace(xmpAttribute, `"6"`, `"8"`, 1), 8},
	"XMP of thirty":      {nil, strings.Replace(xmpAttribute, `"6"`, `"30"`, 1), 1},
	"XMP of nothing":     {nil, strings.Replace(xmpAttribute, `"6"`, `""`, 1), 1},
	"EXIF nine, XMP six": {exifWith(typeShort, 1, 0, 9), xmpAttribute, 1},
}

// TestOrientationStatements reads each statement from each format: the picture is
// turned, probing agrees, and neither EXIF nor XMP still states it.
func TestOrientationStatements(t *testing.T) {
	for name, tc := range orientations {
		for _, f := range []Format{PNG, JPEG, WebP, TIFF} {
			info := Info{Format: f, W: 12, H: 10, Depth: 8, Meta: Metadata{EXIF: tc.exif}}
			if tc.xmp != "" {
				info.Meta.XMP = []byte(tc.xmp)
			}
			info, _ = Fit(info, f)
			data := encoded(t, sceneOf(info), info, Options{})
			if f == TIFF {
				data = withOrientation(t, data, tc.exif)
			}
			m := decoded(t, data)
			if m.turn != tc.turn {
				t.Errorf("%s, %v: turned by %d, want %d", name, f, m.turn, tc.turn)
			}
			wantW, wantH := tc.turn.turn().Size(12, 10)
			p, err := ProbeReader(bytes.NewReader(data), name, Limits{})
			if err != nil || p.W != wantW || p.H != wantH || m.W != wantW || m.H != wantH {
				t.Errorf("%s, %v: probed %d×%d (%v), decoded %d×%d, want %d×%d", name, f, p.W, p.H, err, m.W, m.H, wantW, wantH)
			}
			if again := turnOf(m.Meta.EXIF, m.Meta.XMP); again != upright {
				t.Errorf("%s, %v: EXIF still says %d", name, f, again)
			}
			if again := turnOf(nil, m.Meta.XMP); again != upright && tc.xmp != xmpOther {
				t.Errorf("%s, %v: XMP still says %d: %s", name, f, again, m.Meta.XMP)
			}
			if strings.Contains(strings.ReplaceAll(string(m.Meta.XMP), " ", ""), `Orientation="6`) && tc.xmp != xmpOther {
				t.Errorf("%s, %v: XMP is %s", name, f, m.Meta.XMP)
			}
		}
	}
}

// withOrientation replaces the orientation field of a TIFF made by this package with
// that of an EXIF block, or removes it.
func withOrientation(t *testing.T, tiff, exif []byte) []byte {
	t.Helper()
	h, err := readTIFFHead(bytes.NewReader(tiff), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	out := bytes.Clone(tiff)
	field, _ := h.find(tagOrientation)
	entry := out[field.entry:][:12]
	block, first, err := directories(bytes.NewReader(exif))
	if err == nil {
		d, err := block.directory(first)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range d.fields {
			if f.tag != tagOrientation {
				continue
			}
			data, err := block.bytes(f)
			if err != nil {
				t.Fatal(err)
			}
			e := entryOf(block, f, data)
			binary.BigEndian.PutUint16(entry[2:], e.kind)
			binary.BigEndian.PutUint32(entry[4:], e.count)
			clear(entry[8:])
			if len(e.data) <= 4 {
				copy(entry[8:], e.data)
			} else {
				binary.BigEndian.PutUint32(entry[8:], uint32(len(out)))
				out = append(out, e.data...)
			}
			return out
		}
	}
	binary.BigEndian.PutUint16(entry, 275) // without meaning, and in order
	return out
}

// entryOf returns a field of a block as a big-endian entry.
func entryOf(block tiffFile, f field, data []byte) entry {
	e := entry{tag: f.tag, kind: f.kind, count: f.count, data: bytes.Clone(data)}
	block.bigEndian(e)
	return e
}
