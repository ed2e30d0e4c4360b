package imageio

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// gama returns a gAMA chunk; chrm a cHRM chunk of other primaries than sRGB's.
func gama(v uint32) segment { return segment{"gAMA", binary.BigEndian.AppendUint32(nil, v)} }

func chrm() segment {
	var b []byte
	for _, v := range sRGBChunks["cHRM"] {
		b = binary.BigEndian.AppendUint32(b, v*9/10)
	}
	return segment{"cHRM", b}
}

// TestLost: what only a picture's own format can hold is reported when it is written in
// another one, and is not carried over.
func TestLost(t *testing.T) {
	photoshop := func(resource string) segment {
		return segment{"\xed", []byte("Photoshop 3.0\x008BIM" + resource + "\x00\x00\x00\x00\x00\x00")}
	}
	for name, tc := range map[string]struct {
		from Format
		own  []segment
		tags directory
		icc  []byte
		want string // in the note's words; "" for none
	}{
		"nothing":           {from: PNG},
		"linear":            {from: PNG, own: []segment{gama(100000)}, want: "the definition of its colours (gAMA)"},
		"gamma of sRGB":     {from: PNG, own: []segment{gama(45455)}},
		"gamma and sRGB":    {from: PNG, own: []segment{gama(100000), {"sRGB", []byte{0}}}},
		"gamma and profile": {from: PNG, own: []segment{gama(100000)}, icc: iccOf("RGB ", 1)},
		"primaries":         {from: PNG, own: []segment{gama(45455), chrm()}, want: "the definition of its colours (cHRM)"},
		"both":              {from: PNG, own: []segment{gama(55556), chrm()}, want: "the definition of its colours (gAMA and cHRM)"},
		"PQ":                {from: PNG, own: []segment{{"cICP", []byte{9, 16, 0, 1}}}, want: "the definition of its colours (cICP)"},
		"PQ and a profile":  {from: PNG, own: []segment{{"cICP", []byte{9, 16, 0, 1}}}, icc: iccOf("RGB ", 1), want: "cICP"},
		"cICP of sRGB":      {from: PNG, own: []segment{{"cICP", []byte{1, 13, 0, 1}}, gama(100000)}},
		"brightness":        {from: PNG, own: []segment{{"cLLI", make([]byte, 8)}}, want: "the definition of its colours (cLLI)"},
		"a text":            {from: PNG, own: []segment{{"tEXt", []byte("Author\x00me")}}, want: "the text Author"},
		"two texts": {from: PNG, own: []segment{{"tEXt", []byte("Author\x00me")}, {"iTXt", []byte("Title\x00\x00\x00\x00\x00t")}},
			want: "the texts Author and Title"},
		"a chunk":         {from: PNG, own: []segment{{"sCAL", []byte("\x011\x001")}, {"tIME", make([]byte, 7)}}, want: "the chunk sCAL: write PNG"},
		"a comment":       {from: JPEG, own: []segment{{"\xfe", []byte("hello")}}, want: "1 comment: write JPEG"},
		"comments":        {from: JPEG, own: []segment{{"\xfe", []byte("a")}, {"\xfe", []byte("b")}}, want: "2 comments"},
		"IPTC":            {from: JPEG, own: []segment{photoshop("\x04\x04")}, want: "IPTC"},
		"Photoshop":       {from: JPEG, own: []segment{photoshop("\x03\xed")}, want: "Photoshop's data"},
		"extended XMP":    {from: JPEG, own: []segment{{"\xe1", []byte(xmpExtHead + "more")}}, want: "the extension of XMP"},
		"IPTC in TIFF":    {from: TIFF, tags: directory{raw(33723, []byte("iptc data"))}, want: "IPTC: write TIFF"},
		"place on earth":  {from: TIFF, tags: directory{longs(33550, 1, 2), shorts(34735, 1, 1, 0, 0)}, want: "georeferencing: write TIFF"},
		"ImageJ's fields": {from: TIFF, tags: directory{longs(50838, 12, 3), raw(50839, []byte("IJIJinfo"))}, want: "ImageJ's data"},
	} {
		info := Info{Format: tc.from, W: 4, H: 4, Depth: 8, Meta: Metadata{own: tc.own, ownTags: tc.tags, ownOf: tc.from, ICC: tc.icc}}
		first := decoded(t, encoded(t, sceneOf(info), info, Options{}))
		for _, to := range Formats {
			fitted, lost := Fit(first.Info, to)
			text := strings.Join(append(lost, first.Notes...), "\n")
			if to == BMP {
				text = strings.Replace(text, "the colour profile does not fit into BMP: write PNG to keep it", "", 1)
			}
			reported := tc.want != "" && strings.Contains(text, tc.want) && strings.Contains(text, to.String()+" cannot hold")
			if reported != (tc.want != "" && to != tc.from) || tc.want == "" && text != "" {
				t.Errorf("%s, %v to %v: reported %q", name, tc.from, to, text)
			}
			second := decoded(t, encoded(t, first, fitted, Options{}))
			if got := fmt.Sprint(second.Meta.own, second.Meta.ownTags); (got == fmt.Sprint(tc.own, tc.tags)) != (to == tc.from) &&
				len(tc.own)+len(tc.tags) > 0 {
				t.Errorf("%s, %v to %v: %s", name, tc.from, to, got)
			}
		}
	}
}

// withChunks returns a grey PNG of 1×1 with chunks before its pixels.
func withChunks(chunks ...string) []byte {
	return []byte(pngHead + ihdr(1, 1, "\x08\x00\x00\x00\x00") + strings.Join(chunks, "") +
		chunk("IDAT", deflate([]byte("\x00a"))...) + chunk("IEND"))
}

// TestPNGTells: damaged and unknown chunks are named.
func TestPNGTells(t *testing.T) {
	profile := append([]byte("ICC profile\x00\x00"), deflate(iccOf("GRAY", 9))...)
	badSum := []byte(chunk("iCCP", profile...))
	badSum[len(badSum)-1] ^= 1
	for name, tc := range map[string]struct {
		chunks []string
		want   string
		own    int
	}{
		"sound profile":     {[]string{chunk("iCCP", profile...)}, "", 0},
		"bad checksum":      {[]string{string(badSum)}, "damaged was left out: the chunk iCCP", 0},
		"does not unfold":   {[]string{chunk("iCCP", []byte("name\x00\x00text")...)}, "damaged was left out: the chunk iCCP", 0},
		"cut profile":       {[]string{chunk("iCCP", append([]byte("p\x00\x00"), deflate(iccOf("GRAY", 9)[:100])...)...)}, "a damaged colour profile", 0},
		"shorter than said": {[]string{chunk("iCCP", append([]byte("p\x00\x00"), deflate(iccOf("GRAY", 9)[:130])...)...)}, "a damaged colour profile", 0},
		"reserved name":     {[]string{chunk("abcd", 1)}, "changed picture: the chunk abcd", 0},
		"short colour":      {[]string{chunk("tRNS", 1)}, "damaged was left out: the chunk tRNS", 0},
		"not to be copied":  {[]string{chunk("caBX", 1), chunk("caBX", 2), chunk("zzZZ", 1)}, "changed picture: the chunks caBX and zzZZ", 0},
		"to be copied":      {[]string{chunk("vpAg", 1), chunk("zzZz", 1)}, "", 2},
		"of the pixels":     {[]string{chunk("sBIT", 8), chunk("iDOT", 1), chunk("hIST", 0, 1)}, "", 0},
	} {
		m := decoded(t, withChunks(tc.chunks...))
		if notes := strings.Join(m.Notes, "\n"); (notes == "") != (tc.want == "") || !strings.Contains(notes, tc.want) {
			t.Errorf("%s: %q, want %q", name, notes, tc.want)
		}
		if len(m.Meta.own) != tc.own {
			t.Errorf("%s: %q", name, m.Meta.own)
		}
	}
}

// rawText returns a profile in a text as ImageMagick writes it.
func rawText(name string, data []byte) string {
	return fmt.Sprintf("Raw profile type %s\x00\n%s\n%8d\n%s\n", name, name, len(data), hex.EncodeToString(data))
}

// TestRawProfiles finds EXIF and XMP in texts.
func TestRawProfiles(t *testing.T) {
	exif := append([]byte(exifHead), exifOf(6, 1, 1)...)
	for name, tc := range map[string]struct {
		chunks []string
		turn   orientation
		own    int
	}{
		"exif":        {[]string{chunk("tEXt", []byte(rawText("exif", exif))...)}, 6, 0},
		"APP1":        {[]string{chunk("tEXt", []byte(rawText("APP1", exif))...)}, 6, 0},
		"bare":        {[]string{chunk("tEXt", []byte(rawText("exif", exifOf(8, 1, 1)))...)}, 8, 0},
		"xmp":         {[]string{chunk("tEXt", []byte(rawText("xmp", []byte(xmpAttribute)))...)}, 6, 0},
		"xmp in APP1": {[]string{chunk("tEXt", []byte(rawText("APP1", []byte(xmpHead+xmpAttribute)))...)}, 6, 0},
		"iptc":        {[]string{chunk("tEXt", []byte(rawText("iptc", []byte("8BIM")))...)}, 1, 1},
		"eXIf, too":   {[]string{chunk("eXIf", exifOf(3, 1, 1)...), chunk("tEXt", []byte(rawText("exif", exif))...)}, 3, 0},
		"no digits":   {[]string{chunk("tEXt", []byte("Raw profile type exif\x00\nexif\n 4\nxyz\n")...)}, 1, 1},
		"too short":   {[]string{chunk("tEXt", []byte("Raw profile type exif\x00\nexif\n 4\nabcd\n")...)}, 1, 1},
		"no lines":    {[]string{chunk("tEXt", []byte("Raw profile type exif\x00")...)}, 1, 1},
		"compressed": {[]string{chunk("zTXt", append([]byte("Raw profile type exif\x00\x00"),
			deflate([]byte(strings.SplitN(rawText("exif", exif), "\x00", 2)[1]))...)...)}, 6, 0},
	} {
		m := decoded(t, withChunks(tc.chunks...))
		if m.turn != tc.turn || len(m.Meta.own) != tc.own {
			t.Errorf("%s: turned by %d, want %d; texts %q", name, m.turn, tc.turn, m.Meta.own)
		}
		if again := turnOf(m.Meta.EXIF, m.Meta.XMP); again != upright {
			t.Errorf("%s: still says %d", name, again)
		}
	}
}

// TestBackground converts the background colour to the form of the pixels as they are
// written.
func TestBackground(t *testing.T) {
	for name, tc := range map[string]struct {
		depth, kind byte
		in, want    []byte
	}{
		"palette": {8, pngPalette, []byte{1}, []byte{0, 4, 0, 5, 0, 6}},
		"outside": {8, pngPalette, []byte{2}, nil},
		"1 bit":   {1, pngGrey, []byte{0, 1}, []byte{0, 255}},
		"4 bits":  {4, pngGrey, []byte{0, 7}, []byte{0, 119}},
		"16 bits": {16, pngGrey, []byte{1, 2}, []byte{1, 2}},
		"colour":  {8, pngRGB, []byte{0, 1, 0, 2, 0, 3}, []byte{0, 1, 0, 2, 0, 3}},
		"length":  {8, pngRGB, []byte{0, 1}, nil},
	} {
		f := &pngFile{header: pngHeader{w: 1, h: 1, depth: tc.depth, kind: tc.kind}, palette: []byte{1, 2, 3, 4, 5, 6}}
		if got := f.background(tc.in); !bytes.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// TestJPEGTells: unknown segments are named, and those of the coding are not.
func TestJPEGTells(t *testing.T) {
	info := Info{Format: JPEG, W: 4, H: 4, Depth: 8}
	jpg := string(encoded(t, sceneOf(info), info, Options{}))
	with := func(marker byte, text string) string {
		return jpg[:2] + string([]byte{0xff, marker, 0, byte(len(text) + 2)}) + text + jpg[2:]
	}
	for name, tc := range map[string][2]string{
		"none":        {jpg, ""},
		"Adobe":       {with(0xee, "Adobe\x00d\x00\x00\x00\x00\x01"), ""},
		"Ducky":       {with(0xec, "Ducky\x00\x01"), ""},
		"thumbnail":   {with(0xe0, "JFXX\x00"), ""},
		"credentials": {with(0xeb, "JP\x00\x01"), "the segment APP11 (JP)"},
		"no name":     {with(0xe5, "\x01\x02"), "the segment APP5"},
		"FlashPix":    {with(0xe2, "FPXR\x00"), "the segment APP2 (FPXR)"},
	} {
		m := decoded(t, []byte(tc[0]))
		if notes := strings.Join(m.Notes, "\n"); (notes == "") != (tc[1] == "") || !strings.Contains(notes, tc[1]) {
			t.Errorf("%s: %q, want %q", name, notes, tc[1])
		}
	}
}

// TestTIFFTwice: of two fields with the same tag, the first is carried.
func TestTIFFTwice(t *testing.T) {
	twice := Info{Format: TIFF, W: 4, H: 4, Depth: 8, Meta: Metadata{ownOf: TIFF, ownTags: directory{longs(33550, 1, 2), longs(33550, 3)}}}
	m := decoded(t, encoded(t, sceneOf(twice), twice, Options{}))
	if own := m.Meta.ownTags; len(own) != 1 || own[0].count != 2 || len(own[0].data) != 8 {
		t.Errorf("carried %+v", own)
	}
}

// TestTIFFTells: unknown fields are named.
func TestTIFFTells(t *testing.T) {
	info := Info{Format: TIFF, W: 4, H: 4, Depth: 8, Meta: Metadata{ownOf: TIFF, ownTags: directory{raw(37724, []byte("layers")), shorts(65000, 1)}}}
	m := decoded(t, encoded(t, sceneOf(info), info, Options{}))
	if want := "the TIFF fields 37724 and 65000"; len(m.Notes) != 1 || !strings.Contains(m.Notes[0], want) {
		t.Errorf("notes %q, want %q", m.Notes, want)
	}
}

// TestExtensionIsCut: without a JPEG's further XMP segments, XMP does not refer to
// them.
func TestExtensionIsCut(t *testing.T) {
	xmp := packet(` xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="ABC"`, "text")
	info := Info{Format: JPEG, W: 4, H: 4, Depth: 8, Meta: Metadata{XMP: []byte(xmp), ownOf: JPEG,
		own: []segment{{"\xe1", []byte(xmpExtHead + "more")}}}}
	m := decoded(t, encoded(t, sceneOf(info), info, Options{}))
	for _, f := range []Format{JPEG, PNG} {
		fitted, _ := Fit(m.Info, f)
		if refers := strings.Contains(string(fitted.Meta.XMP), "HasExtendedXMP"); refers != (f == JPEG) {
			t.Errorf("%v: %s", f, fitted.Meta.XMP)
		}
	}
}
