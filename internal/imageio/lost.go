package imageio

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/dustin/go-humanize/english"
)

// fit drops what format f cannot hold, and reports it.
func (m *Metadata) fit(f Format) (lost []string) {
	if !m.keepResolution(f) {
		lost = append(lost, fmt.Sprintf("%s cannot hold the resolution: write TIFF to keep it", f))
	}
	if m.ownOf != f {
		if what := m.ownContent(); len(what) > 0 {
			lost = append(lost, fmt.Sprintf("%s cannot hold %s: write %s to keep that", f, listed(what), m.ownOf))
		}
		m.cutExtension()
		m.own, m.ownTags, m.ownOf = nil, nil, 0
	}
	drop := func(data *[]byte, limit int, what string) {
		if len(*data) > limit {
			*data = nil
			lost = append(lost, fmt.Sprintf("%s does not fit into %s: write PNG to keep it", what, f))
		}
	}
	switch f {
	case JPEG:
		drop(&m.EXIF, maxSegment-len(exifHead), "the EXIF block")
		drop(&m.XMP, maxSegment-len(xmpHead), "the XMP packet")
		drop(&m.ICC, 255*(maxSegment-len(iccHead)-2), "the colour profile")
	case TIFF:
		if _, err := exifFields(m.EXIF); err != nil && m.EXIF != nil {
			m.EXIF = nil
			lost = append(lost, "the EXIF block is damaged and does not fit into TIFF: write PNG to keep it")
		}
	case BMP:
		if onlyResolution(m.EXIF) {
			m.EXIF = nil
		}
		drop(&m.EXIF, 0, "the EXIF block")
		drop(&m.XMP, 0, "the XMP packet")
		drop(&m.ICC, 0, "the colour profile")
	}
	return lost
}

// listed joins names with commas and "and"; if there are many, only the first few.
func listed(what []string) string {
	const few = 5
	if n := len(what) - few; n > 0 {
		what = append(slices.Clone(what[:few]), fmt.Sprintf("%d more", n))
	}
	return english.WordSeries(what, "and")
}

// leave records metadata that are left out for every format, because they may not be
// true of a changed picture.
func (i *Info) leave(what string, names []string) {
	if len(names) > 0 {
		i.Notes = append(i.Notes, "left out, as it may not apply to a changed picture: "+named(what, names))
	}
}

// ownContent names what only the picture's own format can hold.
func (m *Metadata) ownContent() (what []string) {
	switch m.ownOf {
	case PNG:
		return m.pngContent()
	case JPEG:
		return m.jpegContent()
	case TIFF:
		for _, e := range m.ownTags {
			what = appendNew(what, tiffOwn[e.tag])
		}
	}
	return what
}

// named lists names after what they are: "the texts Author and Title".
func named(what string, names []string) string {
	return "the " + english.PluralWord(len(names), what, "") + " " + listed(names)
}

func (m *Metadata) jpegContent() (what []string) {
	comments, extension := 0, false
	for _, s := range m.own {
		switch {
		case s.kind[0] == markerCOM:
			comments++
		case s.kind[0] == markerAPP1:
			extension = true
		case bytes.Contains(s.data, []byte("8BIM\x04\x04")):
			what = append(what, "IPTC")
		default:
			what = append(what, "Photoshop's data")
		}
	}
	if extension {
		what = append(what, "the extension of XMP")
	}
	if comments > 0 {
		what = append(what, english.Plural(comments, "comment", ""))
	}
	return slices.Compact(what)
}

// pngContent names what only a PNG can hold, except what makes no difference: sRGB
// colours, which are the default, the time of the last change, and a background colour.
func (m *Metadata) pngContent() (what []string) {
	var colours, texts, chunks []string
	for _, s := range m.own {
		switch s.kind {
		case "tEXt", "zTXt", "iTXt":
			keyword, _, _ := bytes.Cut(s.data, []byte{0})
			texts = append(texts, string(keyword))
		case "gAMA", "cHRM", "cICP", "mDCV", "cLLI":
			if m.colours(s) {
				colours = append(colours, s.kind)
			}
		case "sRGB", "tIME", "bKGD":
		default:
			chunks = append(chunks, s.kind)
		}
	}
	if len(colours) > 0 {
		what = append(what, "the definition of its colours ("+listed(colours)+")")
	}
	if len(texts) > 0 {
		what = append(what, named("text", texts))
	}
	if len(chunks) > 0 {
		what = append(what, named("chunk", chunks))
	}
	return what
}

// sRGBChunks hold the numbers of sRGB: gamma, and white, red, green and blue.
var sRGBChunks = map[string][]uint32{"gAMA": {45455}, "cHRM": {31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000}}

// colours reports whether a chunk specifies other colours than sRGB. cICP, a profile and
// sRGB take precedence over gAMA and cHRM (section 4.3).
func (m *Metadata) colours(s segment) bool {
	const near = 1000
	sRGB, older := sRGBChunks[s.kind]
	if !older {
		return string(s.data) != "\x01\x0d\x00\x01" // cICP's numbers for sRGB
	}
	if m.ICC != nil || len(s.data) != 4*len(sRGB) || slices.ContainsFunc(m.own, func(s segment) bool { return s.kind == "sRGB" || s.kind == "cICP" }) {
		return false
	}
	for i, want := range sRGB {
		if n := binary.BigEndian.Uint32(s.data[4*i:]); n > want+near || n+near < want {
			return true
		}
	}
	return false
}

// tiffOwn maps tags that only a TIFF can carry to what they hold. The bytes of the
// first two are carried unchanged, whatever type they claim.
var tiffOwn = map[uint16]string{
	33723: "IPTC", 34377: "Photoshop's data",
	301: "a transfer function", 318: "a white point", 319: "the primary colours",
	286: "a position on the page", 287: "a position on the page",
	33550: "georeferencing", 33922: "georeferencing", 34264: "georeferencing",
	34735: "georeferencing", 34736: "georeferencing", 34737: "georeferencing",
	42112: "GDAL's data", 42113: "GDAL's data", 50838: "ImageJ's data", 50839: "ImageJ's data",
}

// asTheyStand lists the tags of tiffOwn that hold another structure's bytes.
var asTheyStand = []uint16{33723, 34377}

// cutExtension removes from XMP what refers to further XMP segments of a JPEG, which
// are not kept: the reference, and what describes data in them.
func (m *Metadata) cutExtension() {
	extended := m.ownOf == JPEG && slices.ContainsFunc(m.own, func(s segment) bool { return s.kind[0] == markerAPP1 })
	if !extended || m.XMP == nil {
		return
	}
	properties, _ := scanXMP(m.XMP) // what cannot be read was dropped before
	var edits []edit
	for _, p := range properties {
		if p.space == nsNote || slices.Contains([]string{nsPhoto + "depthmap/", nsPhoto + "image/", nsPhoto + "audio/"}, p.space) {
			edits = append(edits, edit{stretch: p.whole})
		}
	}
	m.XMP = apply(m.XMP, edits)
}
