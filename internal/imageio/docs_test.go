package imageio

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// keeping are the rows of the table in docs/restore.md that tells what a result
// keeps: a picture that has it, and whether another one still has it.
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
	{"resolution", Info{Format: PNG, Depth: 8, Meta: Metadata{Resolution: PerInch(300)}},
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

// keptTable finds out what each format keeps and tells.
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
				b.WriteString(" told |")
			default:
				t.Errorf("%s in %v: kept %v, but told %q", row.name, to, kept, lost)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestDocumentedTable holds docs/restore.md to what is kept.
func TestDocumentedTable(t *testing.T) {
	const path = "../../docs/restore.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), "| a result in |")
	_, after, _ := strings.Cut(rest, "\n\n")
	table := keptTable(t)
	want := before + table + "\n" + after
	switch {
	case !ok:
		t.Fatalf("%s has no table of what a result keeps", path)
	case *update:
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	case string(page) != want:
		t.Errorf("%s: the table of what is kept should be\n%s\nrun this test with -update", path, table)
	}
}
