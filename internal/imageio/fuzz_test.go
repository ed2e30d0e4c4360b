package imageio

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// fuzzLimits keeps the cost of one input small.
var fuzzLimits = Limits{MaxPixels: 1 << 16}

// corpus adds the fixtures that match pattern, pictures with all metadata in every
// format, and the broken files.
func corpus(f *testing.F, pattern string) {
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		f.Fatalf("no fixtures: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, format := range Formats {
		info := described(format)
		info.Meta.ICC = iccOf("RGB ", 20)
		info, _ = Fit(info, format)
		f.Add(encoded(f, sceneOf(info), info, Options{}))
	}
	for _, c := range badFiles(f) {
		f.Add([]byte(c[0]))
	}
}

// FuzzDecode reads arbitrary data: it returns an error or a picture whose tiles can be
// read and which survives being written and read again, and never panics.
func FuzzDecode(f *testing.F) {
	corpus(f, "testdata/*_*.[^e]*")
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(bytes.NewReader(data), "fuzz", fuzzLimits)
		if err != nil {
			return
		}
		if _, err := m.Tile(nil, m.Bounds()); err != nil {
			t.Fatal(err)
		}
		info, _ := Fit(m.Info, PNG)
		again := decoded(t, encoded(t, m, info, Options{}))
		if worst, _ := difference(t, values(t, again), values(t, m)); worst > 0 {
			t.Errorf("as a PNG, values differ by up to %d", worst)
		}
	})
}

// FuzzPNG compares with image/png, whole and in strips, if both read the file. It
// corrects the chunks' checksums, which mutation would never hit.
func FuzzPNG(f *testing.F) {
	for _, k := range pngKinds() {
		raw := bytes.Repeat([]byte{1, 0, 77, 200, 2, 3, 4}, 20)
		f.Add(uint8(5), uint8(4), k.depth, k.kind, uint8(0), raw[:9], raw[:k.trns], raw)
	}
	f.Fuzz(func(t *testing.T, w, h, depth, kind, laced uint8, palette, trns, raw []byte) {
		b := bytes.NewBufferString(pngHead + ihdr(uint32(w), uint32(h), string([]byte{depth, kind, 0, 0, laced})))
		for _, c := range []segment{{"PLTE", palette}, {"tRNS", trns}, {"IDAT", deflate(raw)}, {"IEND", nil}} {
			if len(c.data) > 0 || c.kind == "IEND" {
				writeChunk(b, c.kind, c.data)
			}
		}
		data := b.Bytes()
		m, err := decode(PNG, bytes.NewReader(data), fuzzLimits)
		if err != nil {
			return
		}
		strips, err := decode(PNG, bytes.NewReader(data), Limits{MaxPixels: fuzzLimits.MaxPixels, MaxBytes: 1})
		if err != nil {
			t.Fatalf("in strips: %v", err)
		}
		if !equalFloats(pixels(t, strips), pixels(t, m)) {
			t.Error("strips differ from the whole")
		}
		std, err := png.Decode(bytes.NewReader(data))
		if err != nil || m.turn != upright {
			return // image/png is stricter about some chunks
		}
		if worst, _ := difference(t, values(t, m), stdValues(std, m.Depth, m.Alpha)); worst > 0 {
			t.Errorf("values differ from image/png by up to %d", worst)
		}
	})
}

// pixels returns m's colours as stored.
func pixels(t *testing.T, m *Image) []float32 {
	t.Helper()
	px, err := m.Stored(nil, m.Bounds())
	if err != nil {
		t.Fatal(err)
	}
	return px
}

// FuzzEXIF parses arbitrary data as an EXIF block: it ends, keeps the block's size, and
// what it turned upright is upright.
func FuzzEXIF(f *testing.F) {
	for turn := range 10 {
		f.Add(exifOf(turn, 3, 4))
	}
	f.Add(exifFrom(directory{{tag: 271, kind: typeASCII, count: 2, data: []byte("A\x00")},
		{tag: tagGPSIFD, sub: directory{rational(2, Ratio{7, 2})}}}, 6))
	f.Fuzz(func(t *testing.T, exif []byte) {
		out := uprightEXIF(exif, turnOf(exif, nil))
		if turn := turnOf(out, nil); turn != upright {
			t.Errorf("turned upright it says %d", turn)
		}
		if len(out) != len(exif) {
			t.Fatalf("%d bytes became %d", len(exif), len(out))
		}
		fields, err := exifFields(out)
		block := exifFrom(fields, upright)
		if err != nil || block == nil {
			return
		}
		if turn := turnOf(block, nil); turn != upright {
			t.Errorf("a block written upright is turned by %d", turn)
		}
	})
}
