package imageio

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// keeping holds the rows of docs/restore.md's table of what a result keeps: a picture
// with the property, and whether another one still has it.
var keeping = []struct {
	name string
	info Info
	kept func(before, after *Image) bool
}{
	{"16 bits", Info{Format: PNG, Depth: 16}, func(_, m *Image) bool { return m.Depth == 16 }},
	{"alpha", Info{Format: PNG, Depth: 8, Alpha: true}, func(_, m *Image) bool { return m.Alpha }},
	{"EXIF", Info{Format: PNG, Depth: 8, Meta: Metadata{EXIF: exifBlock(entry{tag: 271, kind: typeASCII, count: 7, data: []byte("Camera\x00")})}},
		func(_, m *Image) bool { return bytes.Contains(m.Meta.EXIF, []byte("Camera")) }},
	{"XMP", Info{Format: PNG, Depth: 8, Meta: Metadata{XMP: []byte(packet("", "text"))}},
		func(a, m *Image) bool { return bytes.Equal(a.Meta.XMP, m.Meta.XMP) }},
	{"colour profile", Info{Format: PNG, Depth: 8, Meta: Metadata{ICC: iccOf("RGB ", 100)}},
		func(a, m *Image) bool { return bytes.Equal(a.Meta.ICC, m.Meta.ICC) }},
	{"grey colour profile", Info{Format: PNG, Depth: 8, Grey: true, Meta: Metadata{ICC: iccOf("GRAY", 100)}},
		func(a, m *Image) bool { return bytes.Equal(a.Meta.ICC, m.Meta.ICC) }},
	{"resolution", Info{Format: PNG, Depth: 8, Meta: Metadata{Resolution: dpi(300)}},
		func(a, m *Image) bool { return a.Meta.Resolution == m.Meta.Resolution }},
	{"resolution without a unit", Info{Format: TIFF, Depth: 8, Meta: Metadata{Resolution: resolution(31, 2, 31, 2, NoUnit)}},
		func(a, m *Image) bool { return a.Meta.Resolution == m.Meta.Resolution }},
	{"a PNG's gamma and texts", Info{Format: PNG, Depth: 8, Meta: Metadata{ownOf: PNG, own: []segment{gama(100000), {"tEXt", []byte("Author\x00me")}}}},
		func(a, m *Image) bool { return len(m.Meta.own) == len(a.Meta.own) }},
	{"a JPEG's comments, IPTC", Info{Format: JPEG, Depth: 8, Meta: Metadata{ownOf: JPEG, own: []segment{{"\xfe", []byte("hello")}, {"\xed", []byte("Photoshop 3.0\x008BIM\x04\x04")}}}},
		func(a, m *Image) bool { return len(m.Meta.own) == len(a.Meta.own) }},
	{"a TIFF's IPTC, georeferencing", Info{Format: TIFF, Depth: 8, Meta: Metadata{ownOf: TIFF, ownTags: directory{longs(33550, 1, 2), raw(33723, []byte("iptc data"))}}},
		func(a, m *Image) bool { return len(m.Meta.ownTags) == len(a.Meta.ownTags) }},
}

// keptTable determines what each format keeps and what it reports as lost.
func keptTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| a result in |")
	for _, f := range Formats {
		fmt.Fprintf(&b, " %v |", f)
	}
	b.WriteString("\n|---|---|---|---|---|---|\n")
	for _, row := range keeping {
		fmt.Fprintf(&b, "| %s |", row.name)
		row.info.W, row.info.H = 5, 4
		before := decoded(t, encoded(t, sceneOf(row.info), row.info, Options{}))
		for _, to := range Formats {
			fitted, lost := Fit(before.Info, to)
			after := decoded(t, encoded(t, before, fitted, Options{}))
			switch kept := row.kept(before, after); {
			case kept && len(lost) == 0:
				b.WriteString(" kept |")
			case !kept && len(lost) > 0:
				b.WriteString(" noted |")
			default:
				t.Errorf("%s in %v: kept %v, but reported %q", row.name, to, kept, lost)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// refusedTable lists the variants of each format that are refused by name, after
// checking that they are.
func refusedTable(t *testing.T) string {
	t.Helper()
	bad := badFiles(t)
	var b strings.Builder
	b.WriteString("| not read | |\n|---|---|\n")
	row := func(title, before, after string, files map[string]string) {
		names := slices.Sorted(maps.Keys(files))
		for _, name := range names {
			_, err := Decode(strings.NewReader(files[name]), "test", Limits{})
			if err == nil || !strings.Contains(err.Error(), before+name+after) {
				t.Errorf("%s with %s: %v", title, name, err)
			}
		}
		fmt.Fprintf(&b, "| %s | %s |\n", title, strings.Join(names, ", "))
	}
	refused := ", which cannot be read: convert it to PNG or 16-bit TIFF first"
	row("JPEG", "is a JPEG with ", refused, map[string]string{
		"scans missing or out of order": withoutLastScan(t), "arithmetic coding": bad["JPEG arithmetic"][0], "lossless coding": bad["JPEG lossless"][0],
		"hierarchical coding": bad["JPEG hierarchical"][0], "12 bits a sample": bad["JPEG 12 bits"][0], "JPEG-LS coding": bad["JPEG LS"][0],
		"a height that is only given at its end (DNL)": bad["JPEG DNL"][0]})
	tiffs := map[string]string{"inks other than CMYK": bad["TIFF inks"][0], "24 bits a sample": bad["TIFF 24 bits"][0],
		"YCbCr colour that is not in interleaved JPEG": bad["TIFF chroma"][0],
		"two-dimensional Group 3 fax compression":      bad["TIFF fax 3 flat"][0],
		"fax compression in uncompressed mode":         bad["TIFF fax mixed"][0], "LZW compression as before version 5": bad["TIFF old LZW"][0],
		"channels of different depths": bad["TIFF unlike depths"][0], "a predictor in PackBits compression": bad["TIFF packed"][0]}
	for n, name := range tiffCompressions {
		tiffs[name] = tiffWith(shorts(tagCompression, int(n)))
	}
	for n, name := range tiffColours {
		if !strings.Contains(name, "sensor") { // raw files
			tiffs[name] = tiffWith(shorts(tagPhotometric, int(n)))
		}
	}
	for n, name := range tiffFormats {
		tiffs[name] = tiffWith(shorts(tagSampleFormat, int(n)))
	}
	row("TIFF", "is a TIFF with ", "", tiffs)
	row("PNG", "is a PNG with ", refused, map[string]string{"Apple's changes for its own devices (CgBI)": bad["PNG Apple"][0]})
	row("WebP", "is a WebP with ", refused, map[string]string{"an animation": bad["WebP animation"][0]})
	bmps := map[string]string{}
	for n, name := range bmpCompressions {
		bmps[name] = replaced(string(bmpOf(2, 2, 8, 0, "")), 30, string(rune(n)))
	}
	row("BMP", "is a BMP with ", refused, bmps)
	others := map[string]string{"a picture of Netpbm (PBM, PGM, PPM, PAM or PFM)": "P6\n2 2\n255\n", "a TGA": bad["tga"][0]}
	for _, s := range slices.Concat(signatures, texts) {
		if s.other != "" {
			others[s.other] = strings.Repeat("x", s.at) + strings.ReplaceAll(s.prefix, ".", "x")
		}
	}
	row("other formats", "is ", ", which cannot be read: ", others)
	return b.String()
}

// withoutLastScan returns a progressive JPEG without its last scan.
func withoutLastScan(t *testing.T) string {
	t.Helper()
	jpg := string(fixture(t, "jpeg_progressive.jpg"))
	return jpg[:strings.LastIndex(jpg, "\xff\xda")] + "\xff\xd9"
}

// TestDocumentedTables compares docs/restore.md with what is kept and what is refused.
func TestDocumentedTables(t *testing.T) {
	const path = "../../docs/restore.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := string(page)
	for head, table := range map[string]string{"| a result in |": keptTable(t), "| not read |": refusedTable(t)} {
		before, rest, ok := strings.Cut(want, head)
		if !ok {
			t.Fatalf("%s has no table %s", path, head)
		}
		_, after, _ := strings.Cut(rest, "\n\n")
		want = before + table + "\n" + after
		if !*update && !strings.Contains(string(page), table) {
			t.Errorf("%s: a table should be\n%s\nrun this test with -update", path, table)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
