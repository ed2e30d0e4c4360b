package imageio

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

const xmpSample = `<x:xmpmeta><rdf:Description tiff:Orientation="6" dc:title="Grüße"/></x:xmpmeta>`

// described returns a picture's info with everything that can be carried: a stored
// picture of 12×10, to be turned by a quarter.
func described(f Format) Info {
	return Info{Format: f, W: 12, H: 10, Depth: 8, Meta: Metadata{
		EXIF: exifOf(6, 12, 10), ICC: iccOf("RGB ", 100000), XMP: []byte(xmpSample), Resolution: Resolution{Ratio{300, 1}, Ratio{150, 1}, Inch},
	}}
}

// TestMetadata writes metadata in each format, reads them, and writes them in each
// other format.
func TestMetadata(t *testing.T) {
	carriers := []Format{PNG, JPEG, WebP, TIFF}
	for _, from := range carriers {
		for _, to := range carriers {
			t.Run(from.String()+"_to_"+to.String(), func(t *testing.T) {
				info := described(from)
				if from == TIFF { // TIFF has its own orientation: written upright
					info.Meta.EXIF = exifOf(1, 12, 10)
				}
				first := decoded(t, encoded(t, sceneOf(info), info, Options{}))
				fitted, lost := Fit(first.Info, to)
				if len(lost) > 0 || len(first.Notes) > 0 {
					t.Errorf("lost %q, notes %q", lost, first.Notes)
				}
				second := decoded(t, encoded(t, first, fitted, Options{}))
				if second.W != first.W || second.H != first.H {
					t.Errorf("turned again: %d×%d became %d×%d", first.W, first.H, second.W, second.H)
				}
				checkMetadata(t, from, to, second)
			})
		}
	}
}

func checkMetadata(t *testing.T, from, to Format, m *Image) {
	t.Helper()
	turned := from != TIFF
	if turned != (m.W == 10) {
		t.Errorf("size %d×%d", m.W, m.H)
	}
	if !bytes.Equal(m.Meta.ICC, iccOf("RGB ", 100000)) {
		t.Error("the colour profile changed")
	}
	if want := strings.Replace(xmpSample, `"6"`, `"1"`, 1); string(m.Meta.XMP) != want {
		t.Errorf("XMP is %q", m.Meta.XMP)
	}
	wantW, wantH, want := uint32(12), uint32(10), Resolution{Ratio{300, 1}, Ratio{150, 1}, Inch}
	if turned {
		wantW, wantH, want = 10, 12, Resolution{Ratio{150, 1}, Ratio{300, 1}, Inch}
	}
	tags := exifNumbers(t, m.Meta.EXIF)
	if tags[tagPixelXDimension] != wantW || tags[tagPixelYDimension] != wantH || tags[tagOrientation] != 1 {
		t.Errorf("EXIF has %v", tags)
	}
	if m.Meta.Resolution != want {
		t.Errorf("resolution %v, want %v", m.Meta.Resolution, want)
	}
}

// exifNumbers returns the integers in an EXIF block's first two directories.
func exifNumbers(t *testing.T, exif []byte) map[uint16]uint32 {
	t.Helper()
	f, first, err := directories(bytes.NewReader(exif))
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[uint16]uint32{}
	for _, at := range []int64{first, 0} {
		if at == 0 {
			at = int64(numbers[tagExifIFD])
		}
		d, err := f.directory(at)
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range d.fields {
			numbers[field.tag] = f.uint(field, 0)
		}
		if f.order.Uint32(exif[d.next:]) != 0 {
			t.Error("a thumbnail is still linked")
		}
	}
	return numbers
}

// TestOwnSegments: comments, texts and colour chunks are carried within a format and
// not to another.
func TestOwnSegments(t *testing.T) {
	for f, own := range map[Format][]segment{
		PNG:  {{"gAMA", []byte{0, 0, 0xb1, 0x8f}}, {"tEXt", []byte("Author\x00me")}, {"iTXt", []byte("a\x00\x00\x00\x00\x00b")}},
		JPEG: {{"\xfe", []byte("a comment")}, {"\xed", []byte("Photoshop 3.0\x00")}, {"\xe1", []byte(xmpExtHead + "more")}},
	} {
		info := Info{Format: f, W: 4, H: 4, Depth: 8, Meta: Metadata{own: own, ownOf: f}}
		m := decoded(t, encoded(t, sceneOf(info), info, Options{}))
		if len(m.Meta.own) != len(own) {
			t.Errorf("%v: read %d segments of %d", f, len(m.Meta.own), len(own))
			continue
		}
		for i, s := range own {
			if got := m.Meta.own[i]; got.kind != s.kind || !bytes.Equal(got.data, s.data) {
				t.Errorf("%v: %q became %q", f, s, got)
			}
		}
		for _, other := range Formats {
			if other != f && m.Meta.ownTo(other) != nil {
				t.Errorf("%v's segments go to %v", f, other)
			}
		}
	}
}

// TestProfileFits: profiles for another kind of colour are dropped, with a note.
func TestProfileFits(t *testing.T) {
	for _, tc := range []struct {
		grey bool
		icc  []byte
		note string
	}{
		{false, iccOf("RGB ", 1), ""},
		{true, iccOf("GRAY", 1), ""},
		{true, iccOf("RGB ", 1), `for "RGB", not "GRAY"`},
		{false, iccOf("CMYK", 1), `for "CMYK"`},
		{false, []byte("short"), "damaged colour profile"},
		{false, nil, ""},
	} {
		i := Info{Grey: tc.grey}
		i.adoptICC(tc.icc)
		if notes := strings.Join(i.Notes, ""); (tc.note == "") != (notes == "") || !strings.Contains(notes, tc.note) {
			t.Errorf("%q: notes %q, want %q", tc.icc[:min(20, len(tc.icc))], notes, tc.note)
		}
		if kept := i.Meta.ICC != nil; kept != (tc.note == "" && tc.icc != nil) {
			t.Errorf("%q: kept %v", tc.icc[:min(20, len(tc.icc))], kept)
		}
	}
}

// TestBrokenEXIF: EXIF that cannot be parsed is kept, and the picture counts as
// upright.
func TestBrokenEXIF(t *testing.T) {
	good := exifOf(6, 4, 4)
	lying := bytes.Clone(good)
	binary.LittleEndian.PutUint32(lying[4:], 1<<31)
	loop := bytes.Clone(good)
	binary.LittleEndian.PutUint32(loop[30:], 8) // the EXIF directory is the first one
	many := bytes.Clone(good)
	binary.LittleEndian.PutUint16(many[8:], 65535)
	odd := bytes.Clone(good)
	odd[18] = 9 // an invalid orientation
	for name, tc := range map[string]struct {
		exif []byte
		turn orientation
	}{
		"good": {good, 6}, "lying": {lying, 1}, "loop": {loop, 6}, "many": {many, 1}, "odd": {odd, 1},
		"short": {good[:7], 1}, "cut": {good[:40], 6}, "text": {[]byte("no EXIF here"), 1},
	} {
		turn := turnOf(tc.exif, nil)
		out := uprightEXIF(tc.exif, turn)
		if turn != tc.turn || len(out) != len(tc.exif) {
			t.Errorf("%s: turn %d, want %d; %d bytes of %d", name, turn, tc.turn, len(out), len(tc.exif))
		}
		_, _ = exifFields(tc.exif) // must end
	}
}

// TestTIFFOrigin converts a little-endian block's text, numbers and rationals to a
// big-endian one.
func TestTIFFOrigin(t *testing.T) {
	gps := directory{
		{tag: 2, kind: typeRational, count: 1, data: []byte{0, 0, 0, 7, 0, 0, 0, 2}},
		{tag: 3, kind: typeASCII, count: 2, data: []byte("E\x00")},
	}
	d := directory{
		{tag: 271, kind: typeASCII, count: 7, data: []byte("Camera\x00")},
		shorts(tagBitsPerSample, 1, 2, 3), // not about the origin
		{tag: tagGPSIFD, sub: gps},
	}
	block := exifFrom(d, upright)
	again := exifFrom(fieldsOf(t, block), upright)
	if !bytes.Contains(again, []byte("Camera\x00")) || !bytes.Contains(again, []byte{0, 0, 0, 7, 0, 0, 0, 2}) {
		t.Errorf("lost in % x", again)
	}
	read := fieldsOf(t, again)
	if len(read) != 2 || len(read[1].sub) != 2 || read[1].sub[0].count != 1 {
		t.Errorf("read %+v", read)
	}
	little := exifOf(1, 3, 4)
	for _, e := range fieldsOf(t, little)[0].sub {
		want := map[uint16][]byte{tagPixelXDimension: {0, 3}, tagPixelYDimension: {0, 0, 0, 4}}[e.tag]
		if !bytes.Equal(e.data, want) {
			t.Errorf("tag %d is % x, want % x", e.tag, e.data, want)
		}
	}
}

// fieldsOf returns the fields of an EXIF block except its orientation.
func fieldsOf(t testing.TB, exif []byte) directory {
	t.Helper()
	d, err := exifFields(exif)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRepeated: of EXIF and XMP that come twice the first counts, and a profile's pieces
// are joined by their numbers.
func TestRepeated(t *testing.T) {
	var h jpegHead
	for _, s := range []segment{{"\xe1", []byte(exifHead + "first")}, {"\xe1", []byte(exifHead + "second")}, {"\xe1", []byte(xmpHead + "first")}, {"\xe1", []byte(xmpHead + "second")},
		{"\xe2", []byte(iccHead + "\x02\x02file")}, {"\xe2", []byte(iccHead + "\x01\x02pro")}} {
		h.describe(s.kind[0], s.data)
	}
	if got := string(h.exif) + ", " + string(h.xmp) + ", " + string(h.profile()); got != "first, first, profile" {
		t.Errorf("JPEG: %s", got)
	}
	f := webpFile{flags: webpEXIF, meter: Limits{}.meter()}
	for _, exif := range []string{exifHead + "first", "second"} { // with JPEG's beginning, and without
		if err := f.chunk(strings.NewReader(exif), webpChunk{"EXIF", 0, int64(len(exif))}); err != nil {
			t.Fatal(err)
		}
	}
	if string(f.exif) != "first" {
		t.Errorf("WebP: %s", f.exif)
	}
}
