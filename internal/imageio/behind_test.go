package imageio

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"
)

// paged returns a TIFF whose directory is repeated with each NewSubfileType.
func paged(kinds ...uint32) []byte {
	file := tiffVariant{photometric: tiffBlackIsZero, bits: 8, samples: 1, compression: tiffNone}.file()
	at := int(binary.BigEndian.Uint32(file[4:]))
	n := int(binary.BigEndian.Uint16(file[at:]))
	entries := bytes.Clone(file[at+2 : at+2+12*n])
	link := 4 // of the next directory
	for _, kind := range kinds {
		binary.BigEndian.PutUint32(file[link:], uint32(len(file)))
		subfile := append([]byte{0, tagSubfileType, 0, typeLong, 0, 0, 0, 1}, binary.BigEndian.AppendUint32(nil, kind)...)
		file = binary.BigEndian.AppendUint16(file, uint16(n+1))
		file = append(append(file, subfile...), entries...)
		link = len(file)
		file = append(file, 0, 0, 0, 0)
	}
	return file
}

// TestBehind: what a file holds after its picture is reported, and nothing if there is
// nothing.
func TestBehind(t *testing.T) {
	cutPages := paged(0, 0)
	copy(cutPages[len(cutPages)-4:], "\x7f\xff\xff\xff") // a third would be behind the file's end
	jpg, err := os.ReadFile("testdata/jpeg_420.jpg")
	if err != nil {
		t.Fatal(err)
	}
	animated := pngHead + ihdr(1, 1, "\x08\x00\x00\x00\x00") + chunk("acTL", 0, 0, 0, 3, 0, 0, 0, 0) +
		chunk("IDAT", deflate([]byte{0, 7})...) + chunk("IEND")
	const control = "\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01\x00\x00"
	oneFrame := pngHead + ihdr(1, 1, "\x08\x00\x00\x00\x00") + chunk("acTL", 0, 0, 0, 1, 0, 0, 0, 0)
	pixels := chunk("IDAT", deflate([]byte{0, 7})...)
	still := oneFrame + chunk("fcTL", []byte("\x00\x00\x00\x00"+control)...) + pixels + chunk("IEND")
	hidden := oneFrame + pixels + chunk("fcTL", []byte("\x00\x00\x00\x00"+control)...) + chunk("IEND")
	plain := pngHead + ihdr(1, 1, "\x08\x00\x00\x00\x00") + pixels + chunk("IEND")
	lossy := string(fixture(t, "webp_lossy.webp"))
	riff := func(body string) string {
		return "RIFF" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body
	}
	bmp := string(bmpCase{size: 40, bits: 24, offset: -1, height: 2, pixels: strings.Repeat("\x00", 16)}.file())
	withXMP := withHDR(jpg)
	video := "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42" + strings.Repeat("frames", 30000)
	for name, tc := range map[string]struct {
		data string
		want Behind
		note string
	}{
		"nothing":      {string(jpg), Behind{}, ""},
		"padding":      {string(jpg) + strings.Repeat("\x00", 100000), Behind{}, ""},
		"MPO":          {string(jpg) + string(jpg), Behind{Picture: true}, "more pictures"},
		"Ultra HDR":    {string(withXMP) + string(jpg), Behind{Picture: true, GainMap: true}, "gain map"},
		"gain map":     {string(jpg) + string(withXMP), Behind{Picture: true, GainMap: true}, "gain map"},
		"XMP alone":    {string(withXMP), Behind{}, ""},
		"motion photo": {string(jpg) + video, Behind{Video: true}, "motion photo"},
		"both":         {string(withXMP) + string(jpg) + video, Behind{Picture: true, GainMap: true, Video: true}, "motion photo"},
		"trailer":      {string(jpg) + "SEFT", Behind{Bytes: 4}, "4 bytes after the picture"},
		"last byte":    {string(jpg) + "S", Behind{Bytes: 1}, "1 byte after the picture was"},
		"PNG":          {plain + "PK\x03\x04", Behind{Bytes: 4}, "4 bytes after the picture"},
		"PNG twice":    {plain + plain, Behind{Picture: true}, "more pictures"},
		"PNG far off":  {plain + strings.Repeat("\x00", 1<<16-3) + plain, Behind{Picture: true}, "more pictures"},
		"PNG alone":    {plain, Behind{}, ""},
		"WebP":         {lossy + "tail", Behind{Bytes: 4}, "4 bytes after the picture"},
		"WebP twice":   {lossy + lossy, Behind{Picture: true}, "more pictures"},
		"two in one":   {riff(lossy[8:] + lossy[12:]), Behind{Picture: true}, "more pictures"},
		"WebP's own":   {riff(lossy[8:] + "JUNK\x02\x00\x00\x00ab"), Behind{}, "the chunk JUNK"},
		"WebP alone":   {lossy, Behind{}, ""},
		"BMP":          {bmp + "PK\x03\x04", Behind{Bytes: 4}, "4 bytes after the picture"},
		"BMP, padding": {bmp + "\x00\x00", Behind{}, ""},
		"still frame":  {still, Behind{}, ""},
		"other frame":  {hidden, Behind{Frames: 1}, "animation of 1 frame was"},
		"APNG":         {animated, Behind{Frames: 3}, "animation of 3 frames"},
		"pages":        {string(paged(0, 2, 2)), Behind{Pages: 2}, "first of 3 pages"},
		"pyramid":      {string(paged(0, 1, 1)), Behind{}, ""},
		"mask":         {string(paged(0, 4)), Behind{Masks: 1}, "the transparency mask after the picture was not read"},
		"small mask":   {string(paged(0, 5, 0)), Behind{Masks: 1, Pages: 1}, "first of 2 pages"},
		"pages cut":    {string(cutPages), Behind{Pages: 1, Broken: true}, "list of pages is damaged"},
		"preview":      {string(paged(1, 0)), Behind{}, ""},
		"endless":      {string(paged(0, 0)), Behind{Pages: 1, Broken: true}, "list of pages is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "endless" { // the last directory refers to the first
				data := []byte(tc.data)
				copy(data[len(data)-4:], data[4:8])
				tc.data = string(data)
			}
			m := describes(t, []byte(tc.data))
			got := m.Behind
			if tc.want.Bytes == 0 && (got.Picture || got.Video) {
				got.Bytes = 0
			}
			if got != tc.want {
				t.Errorf("found %+v, want %+v", got, tc.want)
			}
			if notes := strings.Join(m.Notes, "; "); !strings.Contains(notes, tc.note) || (tc.note == "") != (notes == "") && name != "XMP alone" {
				t.Errorf("notes %q, want one of %q", notes, tc.note)
			}
		})
	}
}

// TestMetadataLimit: metadata beyond the limit are left out with a note, and the pixels
// are read as usual.
func TestMetadataLimit(t *testing.T) {
	head := pngHead + ihdr(1, 1, "\x08\x00\x00\x00\x00")
	end := chunk("IDAT", deflate([]byte{0, 7})...) + chunk("IEND")
	bomb := deflate(make([]byte, 4<<20))
	compressed := append([]byte(xmpKeyword+"\x00\x01\x00\x00\x00"), bomb...)
	jpg, err := os.ReadFile("testdata/jpeg_420.jpg")
	if err != nil {
		t.Fatal(err)
	}
	comment := "\xff\xfe\xff\xff" + strings.Repeat("c", 65533)
	webp, err := os.ReadFile("testdata/webp_lossy.webp")
	if err != nil {
		t.Fatal(err)
	}
	riff := slices.Concat([]byte("WEBP"), appendChunk(nil, "VP8X", webpExtended(webpXMP, 1, 1)), webp[12:], appendChunk(nil, "XMP ", make([]byte, 2<<20)))
	tiff := encoded(t, sceneOf(Info{Format: TIFF, W: 3, H: 3, Depth: 8}),
		Info{Format: TIFF, W: 3, H: 3, Depth: 8, Meta: Metadata{XMP: make([]byte, 2<<20)}}, Options{})
	for name, data := range map[string]string{
		"texts":         head + strings.Repeat(chunk("tEXt"), 20000) + end,
		"long text":     head + chunk("tEXt", make([]byte, 2<<20)...) + end,
		"XMP":           head + chunk("iTXt", compressed...) + end,
		"profile":       head + chunk("iCCP", append([]byte("p\x00\x00"), bomb...)...) + end,
		"JPEG comments": string(jpg[:2]) + strings.Repeat(comment, 40) + string(jpg[2:]),
		"WebP":          "RIFF" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(riff)))) + string(riff),
		"TIFF":          string(tiff),
	} {
		const limit = 1 << 20
		m, err := Decode(strings.NewReader(data), "test", Limits{MaxMetadata: limit})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		held := len(m.Meta.EXIF) + len(m.Meta.ICC) + len(m.Meta.XMP)
		for _, s := range m.Meta.own {
			held += len(s.data) + 40
		}
		if notes := strings.Join(m.Notes, "; "); held > limit || !strings.Contains(notes, "beyond the limit of 1024 KiB") {
			t.Errorf("%s: %d bytes are held, notes %q", name, held, notes)
		}
		if m, err = Decode(strings.NewReader(data), "test", Limits{}); err != nil || strings.Contains(strings.Join(m.Notes, ""), "limit") {
			t.Errorf("%s, without a limit: %v", name, err)
		}
	}
}
