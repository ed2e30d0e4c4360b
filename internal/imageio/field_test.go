package imageio

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/sharedtest"
)

// fieldCase is a file as found in practice, of a kind that some program once misread:
// it is read as the picture like, or as the values, or refused.
type fieldCase struct {
	name   string
	data   []byte
	like   *Image
	values []int
	err    string // a part of the error
	note   string // a part of the notes; "" means that there are none
}

// fixture reads a file of testdata.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// fieldCases builds the files, deterministically.
func fieldCases(t testing.TB) (cases []fieldCase) {
	t.Helper()
	for _, more := range [][]fieldCase{fieldPNGs(t), fieldJPEGs(t), fieldTIFFs(t), fieldOthers(t)} {
		cases = append(cases, more...)
	}
	return cases
}

func fieldPNGs(t testing.TB) []fieldCase {
	opaque := pngHead + ihdr(1, 1, "\x08\x03\x00\x00\x01") + chunk("PLTE", 0x80, 0x40, 0x20) + chunk("tRNS", 255) +
		chunk("IDAT", deflate([]byte{0, 0})...) + chunk("IEND")
	scene := sceneOf(Info{Format: PNG, W: 9, H: 9, Depth: 8})
	whole := encoded(t, scene, scene.Info, Options{})
	at := bytes.Index(whole, []byte("IDAT")) - 4
	animated := slices.Concat(whole[:at], []byte(chunk("acTL", 0, 0, 0, 2, 0, 0, 0, 0)), whole[at:])
	return []fieldCase{
		{name: "opaque-palette.png", data: []byte(opaque), values: []int{128, 64, 32, 255}},
		{name: "no-end.png", data: whole[:len(whole)-12], like: scene},
		{name: "animated.png", data: animated, like: scene, note: "animation of 2 frames"},
		{name: "grey-key.png", data: rawPNG(pngKind{pngGrey, 4, 2}, 9, 7, true), like: decoded(t, rawPNG(pngKind{pngGrey, 4, 2}, 9, 7, true))},
	}
}

func fieldJPEGs(t testing.TB) []fieldCase {
	jpg, cmyk := fixture(t, "jpeg_420.jpg"), fixture(t, "jpeg_cmyk.jpg")
	plain := decoded(t, jpg)
	return []fieldCase{
		{name: "no-tables.jpg", data: withoutMarker(fixture(t, "jpeg_444.jpg"), 0xc4), like: decoded(t, fixture(t, "jpeg_444.jpg"))},
		{name: "tables-2.jpg", data: secondTables(jpg), like: plain},
		{name: "no-adobe.jpg", data: withoutMarker(cmyk, markerAPP14), like: decoded(t, cmyk), note: "CMYK"},
		{name: "mpo.jpg", data: slices.Concat(jpg, jpg), like: plain, note: "more pictures after the first"},
		{name: "ultra-hdr.jpg", data: slices.Concat(withHDR(jpg), jpg), like: plain, note: "gain map after the picture"},
		{name: "motion.jpg", data: slices.Concat(jpg, []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42")), like: plain, note: "motion photo"},
		{name: "half.jpg", data: jpg[:len(jpg)/2], err: "cut short"},
	}
}

// withoutMarker returns a JPEG without segments of a kind.
func withoutMarker(data []byte, marker byte) []byte {
	for {
		at := bytes.Index(data, []byte{0xff, marker})
		if at < 0 {
			return data
		}
		data = slices.Concat(data[:at], data[at+2+int(binary.BigEndian.Uint16(data[at+2:])):])
	}
}

// withHDR returns a JPEG whose XMP announces a gain map.
func withHDR(jpg []byte) []byte {
	xmp := xmpHead + `<x:xmpmeta xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/>`
	segment := binary.BigEndian.AppendUint16([]byte{0xff, markerAPP1}, uint16(len(xmp)+2))
	return slices.Concat(jpg[:2], segment, []byte(xmp), jpg[2:])
}

func fieldTIFFs(t testing.TB) []fieldCase {
	la := tiffVariant{photometric: tiffBlackIsZero, bits: 8, samples: 2, extra: []int{2}, compression: tiffNone}
	rgbx := tiffVariant{photometric: tiffRGB, bits: 8, samples: 5, extra: []int{0, 0}, compression: tiffNone}
	white := tiffVariant{photometric: tiffWhiteIsZero, bits: 1, samples: 1, compression: tiffNone}
	apart := tiffVariant{photometric: tiffRGB, bits: 16, samples: 3, compression: tiffDeflate, planar: true, predicted: true, tiled: true}
	inks := tiffVariant{photometric: tiffInks, bits: 8, samples: 4, compression: tiffPackBits}
	odd := tiffVariant{photometric: tiffRGB, bits: 12, samples: 3, compression: tiffNone}
	jpg := fixture(t, "jpeg_420.jpg")
	plain := decoded(t, jpg)
	bad := badTIFFs()
	return []fieldCase{
		{name: "cmyk.tif", data: inks.file(), values: inks.want(-1), note: "CMYK was turned into RGB"},
		{name: "12-bits.tif", data: odd.file(), values: odd.want(-1)},
		{name: "jpeg.tif", data: jpegTIFF(jpg, plain.W, plain.H, 3, false, true), like: plain},
		{name: "big.tif", data: bigTIFF(t, la.file(), true), values: la.want(1)},
		{name: "grey-alpha.tif", data: la.file(), values: la.want(1)},
		{name: "extra-channels.tif", data: rgbx.file(), values: rgbx.want(-1), note: "2 extra channels"},
		{name: "white-is-zero.tif", data: white.file(), values: white.want(-1)},
		{name: "planes.tif", data: apart.file(), values: apart.want(-1)},
		{name: "pages.tif", data: paged(0, 2), note: "first of 2 pages",
			values: tiffVariant{photometric: tiffBlackIsZero, bits: 8, samples: 1, compression: tiffNone}.want(-1)},
		{name: "raw.dng", data: []byte(bad["DNG"][0]), err: "a camera raw file (DNG)"},
		{name: "raw.nef", data: []byte(bad["NEF"][0]), err: "a camera raw file (NIKON CORPORATION)"},
		{name: "float.tif", data: []byte(bad["float"][0]), err: "floating-point samples"},
	}
}

func fieldOthers(t testing.TB) []fieldCase {
	scene := sceneOf(Info{Format: BMP, W: 9, H: 9, Depth: 8})
	reserved := encoded(t, scene, scene.Info, Options{})
	copy(reserved[6:], "GIMP")
	lossy := fixture(t, "webp_lossy.webp")
	m := decoded(t, lossy)
	riff := slices.Concat(appendChunk([]byte("WEBP"), "VP8X", webpExtended(webpAlpha, m.W, m.H)), lossy[12:])
	riff = slices.Concat([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(len(riff))), riff)
	return []fieldCase{
		{name: "reserved.bmp", data: reserved, like: scene},
		{name: "runs-8.bmp", data: bmpOf(3, 2, 8, bmpRLE8, "\x02\x01\x01\x02\x00\x00\x00\x03\x00\x01\x02\x00\x00\x01"),
			values: bmpWant(0, 1, 2, 1, 1, 2)},
		{name: "runs-4.bmp", data: bmpOf(3, 2, 4, bmpRLE4, "\x03\x12\x00\x00\x00\x03\x01\x20\x00\x01"), values: bmpWant(0, 1, 2, 1, 2, 1)},
		{name: "skipped.bmp", data: bmpOf(3, 2, 8, bmpRLE8, "\x01\x02\x00\x02\x01\x01\x01\x01\x00\x01"), values: bmpWant(0, 0, 1, 2, 0, 0)},
		{name: "announced-alpha.webp", data: riff, like: m},
	}
}

// bmpColours is the palette of bmpOf.
var bmpColours = [][3]int{{10, 20, 30}, {250, 5, 60}, {7, 200, 90}}

// bmpOf returns a BMP with a palette of three colours.
func bmpOf(w, h int32, bits uint16, compression uint32, pixels string) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32([]byte("BM\x00\x00\x00\x00\x00\x00\x00\x00"), 54+12)
	b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, 40), uint32(w)), uint32(h))
	b = le.AppendUint16(le.AppendUint16(b, 1), bits)
	b = append(le.AppendUint32(b, compression), make([]byte, 12)...)
	b = append(le.AppendUint32(b, uint32(len(bmpColours))), make([]byte, 4)...)
	for _, c := range bmpColours {
		b = append(b, byte(c[2]), byte(c[1]), byte(c[0]), 0)
	}
	return append(b, pixels...)
}

// bmpWant returns the planes of pixels of these colours.
func bmpWant(indices ...int) (values []int) {
	for c := range 3 {
		for _, i := range indices {
			values = append(values, bmpColours[i][c])
		}
	}
	return values
}

// TestField reads the cases and compares the files of testdata/field, which the tests
// of commands read, with them.
func TestField(t *testing.T) {
	dir := filepath.Join(sharedtest.Root(t), "testdata", "field")
	cases := fieldCases(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, c.name)
			if *update {
				if err := os.WriteFile(path, c.data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, c.data) {
				t.Errorf("%s is not what it should be (%v): run this test with -update", path, err)
			}
			checkField(t, c)
		})
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != len(cases)+1 {
		t.Errorf("%s holds %d files, want %d and a README: %v", dir, len(files), len(cases), err)
	}
}

func checkField(t *testing.T, c fieldCase) {
	t.Helper()
	if c.err != "" {
		if m, err := Decode(bytes.NewReader(c.data), "test", Limits{}); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("read as %+v, %v", m, err)
		}
		return
	}
	m := describes(t, c.data)
	if c.like != nil {
		same(t, m, c.like)
	} else if worst, part := difference(t, values(t, m), c.values); worst > 0 {
		t.Errorf("%.0f%% of the values differ, by up to %d", 100*part, worst)
	}
	if notes := strings.Join(m.Notes, "; "); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
		t.Errorf("notes %q, want one of %q", notes, c.note)
	}
}
