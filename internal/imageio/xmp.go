package imageio

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// XMP (ISO 16684) is carried byte by byte except for what would no longer be true. A
// packet that cannot be read is dropped with a note, since it may say such things.

// Namespaces of properties that are used here.
const (
	nsTIFF  = "http://ns.adobe.com/tiff/1.0/"
	nsEXIF  = "http://ns.adobe.com/exif/1.0/"
	nsNote  = "http://ns.adobe.com/xmp/note/"
	nsHDR   = "http://ns.adobe.com/hdr-gain-map/1.0/"
	nsApple = "http://ns.apple.com/"
	nsPhoto = "http://ns.google.com/photos/1.0/"
)

// usualPrefixes is for packets that use a prefix without declaring it.
var usualPrefixes = map[string]string{
	"tiff": nsTIFF, "exif": nsEXIF, "xmpNote": nsNote, "hdrgm": nsHDR,
	"HDRGainMap": nsApple + "HDRGainMap/1.0/", "GCamera": nsPhoto + "camera/",
	"Container": nsPhoto + "container/", "Item": nsPhoto + "container/item/",
}

// property is a property of a packet, written as an attribute or an element.
type property struct {
	space, name string
	value       stretch
	whole       stretch // the value including everything that names it
}

type stretch struct{ from, to int }

func (s stretch) of(text []byte) []byte { return text[s.from:s.to] }

// edit replaces a stretch by another text.
type edit struct {
	stretch
	text []byte
}

// apply makes edits; if some overlap, the first and longest counts.
func apply(text []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return b.to - a.to
	})
	var out []byte
	at := 0
	for _, e := range edits {
		if e.from >= at {
			out = append(append(out, text[at:e.from]...), e.text...)
			at = e.to
		}
	}
	return append(out, text[at:]...)
}

// xmlAttribute matches an attribute of a tag, with the space before it.
var xmlAttribute = regexp.MustCompile(`\s+([^\s=/>]+)\s*=\s*("[^"]*"|'[^']*')`)

// element is an open element of a packet.
type element struct {
	property
	prefixes map[string]string
}

// maxXMP bounds the depth of a packet and the number of prefixes in scope; maxMarkup
// bounds its tags and its attributes, each of which takes a hundred times the memory
// and the time of plain text. Edit histories have thousands.
const (
	maxXMP    = 256
	maxMarkup = 1 << 16
)

// scanXMP finds the properties of a packet in UTF-8, the encoding of nearly all.
func scanXMP(xmp []byte) ([]property, error) {
	if max(bytes.Count(xmp, []byte("<")), bytes.Count(xmp, []byte("="))) > maxMarkup {
		return nil, errors.New("it has too many elements")
	}
	d := xml.NewDecoder(bytes.NewReader(xmp))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	open := []element{{prefixes: usualPrefixes}}
	var found []property
	for {
		from := int(d.InputOffset())
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) && len(open) == 1 {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		to := int(d.InputOffset())
		switch t := token.(type) {
		case xml.StartElement:
			e := element{prefixes: declared(open[len(open)-1].prefixes, t.Attr)}
			e.space, e.name = e.prefixes[t.Name.Space], t.Name.Local
			e.whole.from, e.value.from = from, to
			if len(open) > maxXMP || len(e.prefixes) > maxXMP {
				return nil, errors.New("it is nested too deeply")
			}
			open = append(open, e)
			found = append(found, attributes(xmp, stretch{from, to}, e.prefixes)...)
		case xml.EndElement:
			if len(open) == 1 {
				return nil, errors.New("an element ends that did not begin")
			}
			e := open[len(open)-1]
			open = open[:len(open)-1]
			e.value.to, e.whole.to = from, to
			found = append(found, e.property)
		}
	}
}

// declared returns prefixes with those that a tag's attributes declare.
func declared(prefixes map[string]string, attributes []xml.Attr) map[string]string {
	shared := true
	for _, a := range attributes {
		if a.Name.Space != "xmlns" {
			continue
		}
		if shared {
			copied := make(map[string]string, len(prefixes)+1)
			maps.Copy(copied, prefixes)
			prefixes, shared = copied, false
		}
		prefixes[a.Name.Local] = a.Value
	}
	return prefixes
}

// attributes finds the properties in a tag.
func attributes(xmp []byte, tag stretch, prefixes map[string]string) (found []property) {
	for _, m := range xmlAttribute.FindAllSubmatchIndex(tag.of(xmp), -1) {
		prefix, name, _ := strings.Cut(string(xmp[tag.from+m[2]:tag.from+m[3]]), ":")
		found = append(found, property{
			space: prefixes[prefix], name: name,
			value: stretch{tag.from + m[4] + 1, tag.from + m[5] - 1},
			whole: stretch{tag.from + m[0], tag.from + m[1]},
		})
	}
	return found
}

// xmpTurn returns the orientation that a packet states, and whether it does; an invalid one
// counts as upright.
func xmpTurn(xmp []byte) (o orientation, found bool) {
	xmp = unpaddedXMP(xmp)
	properties, _ := scanXMP(xmp) // uprightXMP reports the error
	for _, p := range properties {
		if p.space == nsTIFF && p.name == "Orientation" {
			if t := bytes.TrimSpace(p.value.of(xmp)); len(t) == 1 && t[0] >= '1' && t[0] <= '8' {
				return orientation(t[0] - '0'), true
			}
			return upright, true
		}
	}
	return upright, false
}

// axesOfXMP are pairs of properties that belong to the axes of a picture.
var axesOfXMP = []struct{ space, x, y string }{
	{nsTIFF, "ImageWidth", "ImageLength"}, {nsTIFF, "XResolution", "YResolution"},
	{nsEXIF, "PixelXDimension", "PixelYDimension"}, {nsEXIF, "FocalPlaneXResolution", "FocalPlaneYResolution"},
}

// uprightXMP returns xmp for the picture turned upright, like uprightEXIF.
// Announcements of pictures or videos after this one, which are not kept, are removed;
// a note then says so.
func uprightXMP(xmp []byte, turn orientation) (out []byte, note string) {
	xmp = unpaddedXMP(xmp)
	properties, err := scanXMP(xmp)
	if err != nil {
		return nil, fmt.Sprintf("XMP was dropped, since it cannot be read: %v", err)
	}
	var edits []edit
	for _, p := range properties {
		if p.space == nsTIFF && p.name == "Orientation" {
			edits = append(edits, edit{p.value, []byte("1")})
		}
	}
	if turn.swaps() {
		edits = append(edits, swapProperties(xmp, properties)...)
	}
	return cutAnnouncements(xmp, properties, edits)
}

// swapProperties exchanges the values that belong to a picture's axes.
func swapProperties(xmp []byte, properties []property) (edits []edit) {
	find := func(space, name string) int {
		return slices.IndexFunc(properties, func(p property) bool { return p.space == space && p.name == name })
	}
	for _, pair := range axesOfXMP {
		x, y := find(pair.space, pair.x), find(pair.space, pair.y)
		if x >= 0 && y >= 0 {
			a, b := properties[x].value, properties[y].value
			edits = append(edits, edit{a, b.of(xmp)}, edit{b, a.of(xmp)})
		}
	}
	return edits
}

// unpaddedXMP returns a packet without zero padding or byte order mark.
func unpaddedXMP(xmp []byte) []byte {
	return bytes.TrimRight(bytes.TrimPrefix(xmp, []byte("\ufeff")), "\x00")
}
