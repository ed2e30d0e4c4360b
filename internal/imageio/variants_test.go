package imageio

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// describes requires a header and an Info to match the raster, in every way of reading
// pixels.
func describes(t *testing.T, data []byte) *Image {
	t.Helper()
	p, err := ProbeReader(bytes.NewReader(data), "test", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var whole *Image
	for _, maxBytes := range []int64{0, 1} {
		m, err := Decode(bytes.NewReader(data), "test", Limits{MaxBytes: maxBytes})
		if err != nil {
			t.Fatal(err)
		}
		s := m.src.shape()
		if i := infoOf(m.Format, s, m.turn); i.W != m.W || i.H != m.H || i.Depth != m.Depth || i.Grey != m.Grey || i.Alpha != m.Alpha {
			t.Errorf("described as %+v, and is %+v", m.Info, s)
		}
		if p.Format != m.Format || p.W != m.W || p.H != m.H || p.Depth != m.Depth || p.Grey != m.Grey || p.Alpha != m.Alpha {
			t.Errorf("probed as %+v, decoded as %+v", p, m.Info)
		}
		if _, err := m.Tile(nil, m.Bounds()); err != nil {
			t.Fatal(err)
		}
		if alpha, err := m.Opacity(nil, m.Bounds()); err != nil || (alpha != nil) != m.Alpha {
			t.Errorf("alpha of %d values, %v", len(alpha), err)
		}
		if _, err := m.Stored(nil, m.Bounds()); err != nil {
			t.Error(err)
		}
		if whole != nil {
			same(t, m, whole)
			continue
		}
		whole = m
	}
	return whole
}

// TestShapes covers every kind of every format, with one pixel and with more.
func TestShapes(t *testing.T) {
	for _, k := range pngKinds() {
		for _, size := range [][2]int{{1, 1}, {9, 3}, {3, 9}} {
			for _, laced := range []bool{false, true} {
				describes(t, rawPNG(k, size[0], size[1], laced))
			}
		}
	}
	for _, f := range Formats {
		for _, info := range []Info{{Depth: 8}, {Depth: 16}, {Depth: 8, Grey: true}, {Depth: 8, Alpha: true},
			{Depth: 16, Grey: true, Alpha: true}} {
			for _, side := range []int{1, 17} {
				info.W, info.H = side, side
				fitted, _ := Fit(info, f)
				describes(t, encoded(t, sceneOf(info), fitted, Options{}))
			}
		}
	}
	paths, err := filepath.Glob("testdata/*_*.[^e]*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		describes(t, data)
	}
}

// TestOpaqueTransparency reads palettes in which nothing is transparent, and pictures
// in which everything is.
func TestOpaqueTransparency(t *testing.T) {
	for _, laced := range []string{"\x00", "\x01"} {
		for _, alpha := range []byte{255, 128, 0} {
			data := pngHead + ihdr(1, 1, "\x08\x03\x00\x00"+laced) + chunk("PLTE", 0x80, 0x40, 0x20) + chunk("tRNS", alpha) +
				chunk("IDAT", deflate([]byte{0, 0})...) + chunk("IEND")
			m := describes(t, []byte(data))
			if got := fmt.Sprint(values(t, m)); got != fmt.Sprintf("[128 64 32 %d]", alpha) {
				t.Errorf("alpha %d: read %s", alpha, got)
			}
		}
	}
}

// tiffVariant is one way to store a picture of 19×13.
type tiffVariant struct {
	photometric, bits, samples int
	extra                      []int
	compression                int
	planar, predicted, tiled   bool
	reversed                   bool
}

func (v tiffVariant) String() string {
	s := fmt.Sprintf("colour %d, %d×%d bits, extra %v, compression %d", v.photometric, v.samples, v.bits, v.extra, v.compression)
	for name, on := range map[string]bool{"planar": v.planar, "predictor": v.predicted, "tiles": v.tiled, "low bits first": v.reversed} {
		if on {
			s += ", " + name
		}
	}
	return s
}

const variantW, variantH = 19, 13

// sample returns the stored value of sample k of pixel (x,y).
func (v tiffVariant) sample(x, y, k int) int {
	return (x*7919 + y*104729 + k*1299709) >> 3 & (1<<v.bits - 1)
}

// file writes the picture.
func (v tiffVariant) file() []byte {
	chunkW, chunkH, perChunk, planes := variantW, 5, v.samples, 1
	if v.tiled {
		chunkW, chunkH = 16, 16
	}
	if v.planar {
		perChunk, planes = 1, v.samples
	}
	out := make([]byte, 8)
	var offsets, counts []uint32
	for plane := range planes {
		for y0 := 0; y0 < variantH; y0 += chunkH {
			for x0 := 0; x0 < variantW; x0 += chunkW {
				rows := chunkH
				if !v.tiled {
					rows = min(rows, variantH-y0)
				}
				var data []byte
				for y := range rows {
					data = append(data, v.row(x0, y0+y, chunkW, plane, perChunk)...)
				}
				data = v.packed(data)
				offsets, counts = append(offsets, uint32(len(out))), append(counts, uint32(len(data)))
				out = append(out, data...)
			}
		}
	}
	depths := make([]int, v.samples)
	for i := range depths {
		depths[i] = v.bits
	}
	d := directory{longs(tagImageWidth, variantW), longs(tagImageLength, variantH), shorts(tagBitsPerSample, depths...),
		shorts(tagCompression, v.compression), shorts(tagPhotometric, v.photometric), shorts(tagSamplesPerPixel, v.samples)}
	if v.tiled {
		d = append(d, longs(tagTileWidth, 16), longs(tagTileLength, 16), longs(tagTileOffsets, offsets...), longs(tagTileByteCounts, counts...))
	} else {
		d = append(d, longs(tagRowsPerStrip, 5), longs(tagStripOffsets, offsets...), longs(tagStripByteCounts, counts...))
	}
	if v.planar {
		d = append(d, shorts(tagPlanarConfig, 2))
	}
	if v.predicted {
		d = append(d, shorts(tagPredictor, 2))
	}
	if v.reversed {
		d = append(d, shorts(tagFillOrder, 2))
	}
	if v.extra != nil {
		d = append(d, shorts(tagExtraSamples, v.extra...))
	}
	if v.photometric == tiffPalette {
		var colours []int
		for c := range 3 {
			for i := range 1 << v.bits {
				colours = append(colours, variantColour(i, c)<<8|i)
			}
		}
		d = append(d, shorts(tagColorMap, colours...))
	}
	body, at := d.appendTo(nil, len(out), binary.BigEndian)
	copy(out, binary.BigEndian.AppendUint32([]byte("MM\x00*"), uint32(at)))
	return append(out, body...)
}

func variantColour(i, c int) int { return i * (c + 3) * 37 & 255 }

// row returns one row of a chunk, padded with zeros beyond the picture.
func (v tiffVariant) row(x0, y, w, plane, perChunk int) []byte {
	row := make([]byte, (w*perChunk*v.bits+7)/8)
	before := make([]int, perChunk)
	for x := range w {
		for k := range perChunk {
			s := 0
			if x0+x < variantW && y < variantH {
				s = v.sample(x0+x, y, plane+k)
			}
			if v.predicted {
				s, before[k] = (s-before[k])&(1<<v.bits-1), s
			}
			for bit := range v.bits {
				at := (x*perChunk+k)*v.bits + bit
				row[at/8] |= byte(s >> (v.bits - 1 - bit) & 1 << (7 - at%8))
			}
		}
	}
	return row
}

// packed compresses a chunk.
func (v tiffVariant) packed(data []byte) []byte {
	switch v.compression {
	case tiffDeflate, tiffOldDeflate:
		data = deflate(data)
	case tiffPackBits:
		var out []byte
		for i := 0; i < len(data); {
			n := 1
			for i+n < len(data) && data[i+n] == data[i] && n < 128 {
				n++
			}
			if n > 1 {
				out = append(out, byte(1-n), data[i])
			} else {
				out = append(out, 0x80, 0, data[i]) // 0x80 has no meaning
			}
			i += n
		}
		data = out
	}
	if v.reversed {
		for i, b := range data {
			data[i] = bits.Reverse8(b)
		}
	}
	return data
}

// want returns what is read: colours, then alpha.
func (v tiffVariant) want(alphaAt int) (out []int) {
	for c := range 4 {
		for i := range variantW * variantH {
			x, y := i%variantW, i/variantW
			switch {
			case c < 3:
				out = append(out, v.colour(x, y, c))
			case alphaAt >= 0:
				out = append(out, v.scaled(v.sample(x, y, alphaAt)))
			}
		}
	}
	return out
}

// full is white in what is read.
func (v tiffVariant) full() int {
	if v.bits > 8 {
		return 65535
	}
	return 255
}

// scaled returns a sample as it is read.
func (v tiffVariant) scaled(s int) int {
	if v.bits > 16 {
		return s >> (v.bits - 16)
	}
	return int(math.Round(float64(s) * float64(v.full()) / float64(int(1)<<v.bits-1)))
}

// colour returns red, green or blue of pixel (x,y).
func (v tiffVariant) colour(x, y, c int) int {
	at := func(k int) float64 { return float64(v.scaled(v.sample(x, y, k))) }
	full := float64(v.full())
	switch v.photometric {
	case tiffPalette:
		return variantColour(v.sample(x, y, 0), c)
	case tiffRGB:
		return int(at(c))
	case tiffWhiteIsZero:
		return int(full - at(0))
	case tiffInks:
		return int(math.Round((full - at(c)) * (full - at(3)) / full))
	}
	return int(at(0))
}

// TestTIFFVariants reads every supported combination of colour, depth, extra samples,
// compression and layout.
func TestTIFFVariants(t *testing.T) {
	n := 0
	for colour, stored := range map[int]int{tiffWhiteIsZero: 1, tiffBlackIsZero: 1, tiffRGB: 3, tiffPalette: 1, tiffInks: 4} {
		for _, depth := range []int{1, 2, 3, 4, 8, 12, 16, 32} {
			for _, extra := range [][]int{nil, {0}, {2}, {0, 2}, {999}} {
				for _, compression := range []int{tiffNone, tiffDeflate, tiffPackBits} {
					for flags := range 16 {
						if len(extra) > 0 && flags%5 > 0 {
							continue // each flag is tried with and without
						}
						v := tiffVariant{colour, depth, stored + len(extra), extra, compression,
							flags&1 > 0, flags&2 > 0, flags&4 > 0, flags&8 > 0}
						deflated := compression == tiffDeflate
						if len(extra) > 1 && deflated {
							v.compression = tiffOldDeflate
						}
						if colour == tiffPalette && depth > 8 || v.predicted && (depth%8 != 0 || !deflated) {
							continue
						}
						alphaAt := -1
						for i, e := range extra {
							if e != 0 {
								alphaAt = stored + i
							}
						}
						n++
						m, err := Decode(bytes.NewReader(v.file()), "test", Limits{})
						if err != nil {
							t.Fatalf("%v: %v", v, err)
						}
						if m.Alpha != (alphaAt >= 0) || m.Grey != (colour <= tiffBlackIsZero) {
							t.Errorf("%v: read as %+v", v, m.Info)
						}
						if worst, part := difference(t, values(t, m), v.want(alphaAt)); worst > 0 {
							t.Errorf("%v: %.0f%% of the values differ, by up to %d", v, 100*part, worst)
						}
						if dropped := len(extra) > 0 && extra[0] == 0; dropped != strings.Contains(fmt.Sprint(m.Notes), "extra channel") {
							t.Errorf("%v: notes %q", v, m.Notes)
						}
					}
				}
			}
		}
	}
	t.Logf("%d variants", n)
}

// TestTIFFOddities reads files in which writers leave out fields or deviate from the
// standard.
func TestTIFFOddities(t *testing.T) {
	rgba := tiffVariant{photometric: tiffRGB, bits: 8, samples: 4, compression: tiffNone}
	m := describes(t, rgba.file()) // without ExtraSamples
	if worst, _ := difference(t, values(t, m), rgba.want(3)); worst > 0 || !m.Alpha {
		t.Errorf("without ExtraSamples: off by %d, %+v", worst, m.Info)
	}
	premultiplied := tiffVariant{photometric: tiffRGB, bits: 8, samples: 4, extra: []int{1}, compression: tiffNone}
	m = describes(t, premultiplied.file())
	want := premultiplied.want(3)
	n := variantW * variantH
	for i, got := range values(t, m) {
		if alpha := want[3*n+i%n]; i < 3*n && alpha > 0 && abs(got-min(255, (want[i]*255+alpha/2)/alpha)) > 1 {
			t.Fatalf("value %d is %d: stored %d under alpha %d", i, got, want[i], alpha)
		}
	}
	// Tags in any order.
	grey := tiffVariant{photometric: tiffBlackIsZero, bits: 8, samples: 1, compression: tiffNone}
	file := grey.file()
	at := int(binary.BigEndian.Uint32(file[4:]))
	entries := file[at+2 : at+2+12*int(binary.BigEndian.Uint16(file[at:]))]
	for i, j := 0, len(entries)-12; i < j; i, j = i+12, j-12 {
		for k := range 12 {
			entries[i+k], entries[j+k] = entries[j+k], entries[i+k]
		}
	}
	if worst, _ := difference(t, values(t, describes(t, file)), grey.want(-1)); worst > 0 {
		t.Errorf("unsorted: off by %d", worst)
	}
	palette := tiffVariant{photometric: tiffPalette, bits: 4, samples: 1, compression: tiffNone}
	file = palette.file()
	d, err := exifDirectory(file)
	colours, _ := d.find(tagColorMap)
	for at := colours.at; at < colours.at+colours.size(); at += 2 {
		file[at], file[at+1] = 0, file[at]
	}
	if worst, _ := difference(t, values(t, describes(t, file)), palette.want(-1)); err != nil || worst > 0 {
		t.Errorf("a palette of eight bits: off by %d, %v", worst, err)
	}
}

// TestJPEGOddities reads files that leave out or rename what does not matter.
func TestJPEGOddities(t *testing.T) {
	for name, tc := range map[string]struct {
		path string
		edit func([]byte) []byte
	}{
		"no tables":       {"jpeg_444.jpg", func(b []byte) []byte { return withoutMarker(b, 0xc4) }},
		"no Adobe marker": {"jpeg_cmyk.jpg", func(b []byte) []byte { return withoutMarker(b, markerAPP14) }},
		"no end":          {"jpeg_420.jpg", func(b []byte) []byte { return b[:len(b)-2] }},
		"tail":            {"jpeg_420.jpg", func(b []byte) []byte { return append(bytes.Clone(b), "and more"...) }},
		"table 2":         {"jpeg_420.jpg", secondTables},
		"names alike":     {"jpeg_420.jpg", namedAlike},
		"transform 1":     {"jpeg_ycck.jpg", func(b []byte) []byte { return transformed(b, 1) }},
		"transform 3":     {"jpeg_ycck.jpg", func(b []byte) []byte { return transformed(b, 3) }},
	} {
		data := fixture(t, tc.path)
		edited := tc.edit(data)
		if bytes.Equal(edited, data) {
			t.Errorf("%s: nothing changed", name)
		}
		t.Run(name, func(t *testing.T) { same(t, describes(t, edited), decoded(t, data)) })
	}
}

// namedAlike returns a JPEG that gives all components the number 1.
func namedAlike(jpg []byte) []byte {
	out := bytes.Clone(jpg)
	for at := 2; ; {
		marker, n := out[at+1], int(binary.BigEndian.Uint16(out[at+2:]))
		switch segment := out[at+4 : at+2+n]; marker {
		case 0xc0:
			for k := range int(segment[5]) {
				segment[6+3*k] = 1
			}
		case markerSOS:
			for k := range int(segment[0]) {
				segment[1+2*k] = 1
			}
			return out
		}
		at += 2 + n
	}
}

// transformed returns a JPEG whose Adobe marker names another transform.
func transformed(jpg []byte, transform byte) []byte {
	out := bytes.Clone(jpg)
	out[bytes.Index(out, []byte("Adobe"))+11] = transform
	return out
}

// TestProgressiveCut refuses a progressive JPEG that ends between two scans, with an
// end marker or without, and one that lacks any of its scans.
func TestProgressiveCut(t *testing.T) {
	jpg := fixture(t, "jpeg_progressive.jpg")
	var scans []int // where each begins, and the end
	for at := range len(jpg) - 1 {
		if jpg[at] == 0xff && (jpg[at+1] == markerSOS || jpg[at+1] == markerEOI) {
			scans = append(scans, at)
		}
	}
	if len(scans) < 5 {
		t.Errorf("only %d scans and ends were found", len(scans))
	}
	refused := func(what string, at int, data []byte, why ...string) {
		_, err := Decode(bytes.NewReader(data), "test", Limits{})
		if err == nil || !slices.ContainsFunc(why, func(part string) bool { return strings.Contains(err.Error(), part) }) {
			t.Errorf("%s byte %d of %d: %v", what, at, len(jpg), err)
		}
	}
	for i, at := range scans[1:] {
		refused("cut at", at, jpg[:at], "cut short")
		if at < len(jpg)-2 {
			refused("ended at", at, slices.Concat(jpg[:at], jpg[len(jpg)-2:]), "cut short", "scans missing or out of order")
		}
		refused("without the scan before", at, slices.Concat(jpg[:scans[i]], jpg[at:]), "cut short", "scans missing or out of order", "damaged")
	}
}

// secondTables renumbers a JPEG's Huffman tables 1 as 2, which baseline forbids.
func secondTables(jpg []byte) []byte {
	out := bytes.Clone(jpg)
	for at := 2; at+4 < len(out); {
		marker, n := out[at+1], int(binary.BigEndian.Uint16(out[at+2:]))
		segment := out[at+4 : at+2+n]
		switch marker {
		case 0xc4:
			for len(segment) > 0 {
				total := 17
				for _, k := range segment[1:17] {
					total += int(k)
				}
				segment[0] += segment[0] & 1
				segment = segment[total:]
			}
		case markerSOS:
			for k := range segment[0] {
				tables := &segment[2+2*k]
				*tables += *tables & 0x11
			}
			return out
		}
		at += 2 + n
	}
	return out
}

// TestWebPWithoutAlpha reads a WebP that announces alpha but has none.
func TestWebPWithoutAlpha(t *testing.T) {
	plain, err := os.ReadFile("testdata/webp_lossy.webp")
	if err != nil {
		t.Fatal(err)
	}
	m := decoded(t, plain)
	body := appendChunk([]byte("WEBP"), "VP8X", webpExtended(webpAlpha, m.W, m.H))
	body = append(body, plain[12:]...)
	same(t, describes(t, append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)), m)
}

// TestWebPUnannounced: metadata count only if VP8X announces them, as for Pillow and
// libwebp; else they are left out with a note.
func TestWebPUnannounced(t *testing.T) {
	plain := decoded(t, fixture(t, "webp_lossy.webp"))
	meta := map[string][]byte{"EXIF": exifOf(1, 12, 10), "XMP ": []byte(packet("", "text")), "ICCP": iccOf("RGB ", 100)}
	for kind, flag := range map[string]byte{"EXIF": webpEXIF, "XMP ": webpXMP, "ICCP": webpICC} {
		for _, flags := range []byte{0, flag, webpEXIF | webpXMP | webpICC, ^flag &^ webpAnimation} {
			body := appendChunk([]byte("WEBP"), "VP8X", webpExtended(flags, plain.W, plain.H))
			body = appendChunk(append(body, fixture(t, "webp_lossy.webp")[12:]...), kind, meta[kind])
			m := describes(t, append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...))
			announced := flags&flag != 0
			if kept := m.Meta.EXIF != nil || m.Meta.XMP != nil || m.Meta.ICC != nil; kept != announced {
				t.Errorf("%s with flags %#x: kept %v", kind, flags, kept)
			}
			if noted := strings.Contains(strings.Join(m.Notes, "; "), "the chunk "+strings.TrimSpace(kind)); noted == announced {
				t.Errorf("%s with flags %#x: notes %q", kind, flags, m.Notes)
			}
		}
	}
}

// TestStreamsNameTheirFile: an error that is only found while a picture is read in
// strips names the file like others do.
func TestStreamsNameTheirFile(t *testing.T) {
	for _, f := range []Format{PNG, BMP} {
		info := Info{Format: f, W: 64, H: 200, Depth: 8}
		path := filepath.Join(t.TempDir(), "broken")
		data := encoded(t, sceneOf(info), info, Options{})
		keep := len(data) / 2
		if f == PNG {
			clear(data[keep : keep+20])
			keep = len(data)
		}
		if err := os.WriteFile(path, data[:keep], 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := Open(path, Limits{MaxBytes: 1})
		if err != nil {
			if !strings.Contains(err.Error(), path) {
				t.Errorf("%v: opening says %q", f, err)
			}
			continue
		}
		for _, read := range []func([]float32, image.Rectangle) ([]float32, error){m.Tile, m.Opacity} {
			if _, err := read(nil, m.Bounds()); err != nil && !strings.Contains(err.Error(), path) {
				t.Errorf("%v: %q does not name the file", f, err)
			}
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestJPEGForms: a picture is the same with Adobe's marker in place of JFIF's, as
// Photoshop writes it, and with wide quantisation tables.
func TestJPEGForms(t *testing.T) {
	jpg := fixture(t, "jpeg_420.jpg")
	adobe := slices.Concat(jpg[:2], []byte("\xff\xee\x00\x0eAdobe\x00d\x00\x00\x00\x00\x01"), withoutMarker(jpg, markerAPP0)[2:])
	want := values(t, decoded(t, jpg))
	for name, data := range map[string][]byte{"Adobe": adobe, "wide": wideTables(jpg)} {
		if bytes.Equal(data, jpg) || !slices.Equal(values(t, decoded(t, data)), want) {
			t.Errorf("%s: another picture, or the same file", name)
		}
	}
}

// wideTables returns a JPEG whose quantisation tables have 16 bits.
func wideTables(jpg []byte) []byte {
	var wide []byte
	for _, part := range bytes.Split(jpg, []byte{0xff, 0xdb})[1:] {
		for t := part[2:binary.BigEndian.Uint16(part)]; len(t) > 0; t = t[65:] {
			wide = append(wide, 0xff, 0xdb, 0, 131, 0x10|t[0])
			for _, v := range t[1:65] {
				wide = append(wide, 0, v)
			}
		}
	}
	rest := withoutMarker(jpg, 0xdb)
	return slices.Concat(rest[:2], wide, rest[2:])
}
