package imageio

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// packet returns XMP with one description of these attributes and content.
func packet(attributes, content string) string {
	return `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">` +
		`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description` + attributes + `>` + content +
		`</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`
}

// TestAnnouncements: announcements of pictures after this one are removed from XMP, and
// the rest stays to the byte.
func TestAnnouncements(t *testing.T) {
	const (
		camera    = ` xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"`
		container = ` xmlns:Container="http://ns.google.com/photos/1.0/container/" xmlns:Item="http://ns.google.com/photos/1.0/container/item/"`
		hdr       = ` xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"`
		title     = ` dc:title="a &lt; b"`
		items     = `<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item Item:Length="9"/></rdf:li></rdf:Seq></Container:Directory>`
	)
	for name, tc := range map[string]struct{ in, want, note string }{
		"nothing":       {packet(title, "text"), packet(title, "text"), ""},
		"gain map":      {packet(hdr+` hdrgm:Version="1.0"`+title, ""), packet(hdr+title, ""), "a gain map"},
		"as elements":   {packet(hdr+title, "<hdrgm:Version>1.0</hdrgm:Version>"), packet(hdr+title, ""), "a gain map"},
		"container":     {packet(container+title, "a"+items+"b"), packet(container+title, "ab"), "attached files"},
		"motion photo":  {packet(camera+` GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion='1'`, ""), packet(camera, ""), "a motion photo"},
		"video":         {packet(camera+` GCamera:MicroVideoOffset="99"`+title, ""), packet(camera+title, ""), "a motion photo"},
		"other prefix":  {packet(strings.ReplaceAll(hdr+` hdrgm:Version="1.0"`, "hdrgm", "h"), ""), packet(strings.ReplaceAll(hdr, "hdrgm", "h"), ""), "a gain map"},
		"no prefix":     {packet(` hdrgm:Version="1.0"`, ""), packet("", ""), "a gain map"},
		"camera's rest": {packet(camera+` GCamera:BurstID="7" GCamera:MotionPhoto="1"`, ""), packet(camera+` GCamera:BurstID="7"`, ""), "a motion photo"},
		"two of them":   {packet(hdr+camera+` hdrgm:Version="1" GCamera:MotionPhoto="1"`, ""), packet(hdr+camera, ""), "a gain map and a motion photo"},
		"Apple":         {packet(` xmlns:HDRGainMap="http://ns.apple.com/HDRGainMap/1.0/" HDRGainMap:HDRGainMapVersion="65536"`, ""), packet(` xmlns:HDRGainMap="http://ns.apple.com/HDRGainMap/1.0/"`, ""), "a gain map"},
		"depth":         {packet(` xmlns:Device="http://ns.google.com/photos/dd/1.0/device/"`, "<Device:Container/>"), packet(` xmlns:Device="http://ns.google.com/photos/dd/1.0/device/"`, ""), "a depth map"},
		"damaged":       {hdr + "<", "", "XMP was dropped"},
		"only damaged":  {"<a><b></c", "", "cannot be read: XML syntax error"},
		"UTF-16":        {utf16XMP(packet(title, "")), "", "XMP was dropped"},
		"in a comment":  {packet(title, `<!-- hdrgm:Version="1.0" -->`), packet(title, `<!-- hdrgm:Version="1.0" -->`), ""},
	} {
		out, note := uprightXMP([]byte(tc.in), upright)
		if string(out) != tc.want {
			t.Errorf("%s: got  %s\nwant %s", name, out, tc.want)
		}
		if (note == "") != (tc.note == "") || !strings.Contains(note, tc.note) {
			t.Errorf("%s: note %q, want %q", name, note, tc.note)
		}
	}
}

// TestAxesOfXMP swaps what belongs to a picture's axes when it is turned.
func TestAxesOfXMP(t *testing.T) {
	in := packet(` tiff:ImageWidth="12" tiff:ImageLength="10" tiff:Orientation="8" exif:PixelXDimension="12"`,
		"<exif:PixelYDimension>10</exif:PixelYDimension>")
	for turn, want := range map[orientation]string{
		3: strings.Replace(in, `n="8"`, `n="1"`, 1),
		8: packet(` tiff:ImageWidth="10" tiff:ImageLength="12" tiff:Orientation="1" exif:PixelXDimension="10"`,
			"<exif:PixelYDimension>12</exif:PixelYDimension>"),
	} {
		if out, _ := uprightXMP([]byte(in), turn); string(out) != want {
			t.Errorf("turned by %d: %s\nwant %s", turn, out, want)
		}
	}
}

// TestCostlyXMP: packets of tens of thousands of tags, attributes or namespaces, which
// are a few kilobytes in a file, are dropped if they would cost much.
func TestCostlyXMP(t *testing.T) {
	const many = 1 << 18
	var spaces strings.Builder
	for i := range 1 << 12 {
		fmt.Fprintf(&spaces, `<a xmlns:p="%scamera/%d" p:MotionPhoto="1"/>`, nsPhoto, i)
	}
	for name, in := range map[string]string{
		"tags":       packet(` tiff:Orientation="6"`, strings.Repeat("<a/>", many)),
		"attributes": packet(` tiff:Orientation="6"`+strings.Repeat(` a="b"`, many), ""),
		"nested":     packet(` tiff:Orientation="6"`, strings.Repeat("<a>", many)),
		"namespaces": packet(` tiff:Orientation="6"`, spaces.String()),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		turn, _ := xmpTurn([]byte(in))
		out, note := uprightXMP([]byte(in), turn)
		runtime.ReadMemStats(&after)
		dropped := turn == upright && out == nil && strings.HasPrefix(note, "XMP was dropped")
		if !dropped && (turn != 6 || !strings.Contains(string(out), `tiff:Orientation="1"`)) {
			t.Errorf("%s: turned by %d, note %q", name, turn, note)
		}
		const worst = 64 << 20
		if spent := after.TotalAlloc - before.TotalAlloc; spent > worst {
			t.Errorf("%s: %d KiB took %d MiB", name, len(in)>>10, spent>>20)
		}
	}
}

// FuzzXMP edits arbitrary data as XMP: it ends, and what was turned upright is upright.
func FuzzXMP(f *testing.F) {
	for _, c := range orientations {
		f.Add([]byte(c.xmp))
	}
	f.Add([]byte(packet(` tiff:ImageWidth="12" tiff:ImageLength="10" GCamera:MotionPhoto="1"`, "<hdrgm:Version/>")))
	f.Fuzz(func(t *testing.T, xmp []byte) {
		turn, _ := xmpTurn(xmp)
		out, _ := uprightXMP(xmp, turn)
		if again, found := xmpTurn(out); found && again != upright {
			t.Errorf("%q became %q, which says %d", xmp, out, again)
		}
	})
}
