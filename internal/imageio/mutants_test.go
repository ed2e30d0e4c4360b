package imageio

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/sharedtest"
)

// mutantSeeds returns files of a format: fixtures, a picture with all metadata, and
// those of the field table.
func mutantSeeds(t *testing.T, f Format) (seeds [][]byte) {
	t.Helper()
	paths, err := filepath.Glob("testdata/" + strings.ToLower(f.String()) + "_*.[^e]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, data)
	}
	for _, c := range fieldCases(t) {
		if format, err := sniff(c.data); err == nil && format == f {
			seeds = append(seeds, c.data)
		}
	}
	if f == PNG {
		for _, k := range pngKinds() {
			seeds = append(seeds, rawPNG(k, 9, 7, false), rawPNG(k, 9, 7, true))
		}
	}
	if f == TIFF {
		for _, v := range []tiffVariant{{0, 1, 1, nil, 1, false, false, false, true}, {2, 16, 4, []int{1}, 8, true, true, true, false},
			{3, 4, 2, []int{2}, 32773, false, false, true, false}, {5, 16, 5, []int{2}, 8, false, true, false, false},
			{6, 8, 3, nil, 1, true, false, false, false}, {1, 32, 1, nil, 8, false, true, true, false}} {
			seeds = append(seeds, v.file())
		}
	}
	info := described(f)
	info.Meta.ICC = iccOf("RGB ", 20)
	info, _ = Fit(info, f)
	return append(seeds, encoded(t, sceneOf(info), info, Options{}))
}

// TestMutants reads damaged files of every format, whole and in strips, and writes what
// could be read.
func TestMutants(t *testing.T) {
	for _, f := range Formats {
		r := sharedtest.Reader{Name: f.String(), Seeds: mutantSeeds(t, f), Read: readMutant}
		if f == PNG {
			r.Fix = fixSums
		}
		r.Try(t)
	}
	grey := sharedtest.Reader{Name: "grey TIFF", Read: readMutant}
	for _, bits := range []int{1, 8, 16} {
		grey.Seeds = append(grey.Seeds, tiffVariant{bits % 2, bits, 1, nil, 1, false, false, false, false}.file(),
			tiffVariant{1, bits, 2, []int{2}, 8, false, false, bits == 8, false}.file(), tiffVariant{1, bits, 2, []int{1}, 1, true, false, false, true}.file())
	}
	grey.Try(t)
	exif := sharedtest.Reader{Name: "EXIF", Seeds: [][]byte{exifOf(6, 3, 4), exifOf(1, 70000, 4)}, Read: func(data []byte) error {
		_, err := exifFields(uprightEXIF(data, turnOf(data, nil)))
		return err
	}}
	exif.Try(t)
}

// readMutant does everything that a restoration does with a file.
func readMutant(data []byte) error {
	limits := Limits{MaxPixels: 1 << 15, MaxMetadata: 1 << 20}
	if len(data)%3 == 0 {
		limits.MaxBytes = 1
	}
	p, err := ProbeReader(bytes.NewReader(data), "mutant", limits)
	if err != nil {
		return err
	}
	m, err := Decode(bytes.NewReader(data), "mutant", limits)
	if err != nil {
		return err
	}
	if p.W != m.W || p.H != m.H || p.Depth != m.Depth || p.Grey != m.Grey || p.Alpha != m.Alpha {
		panic("a header that tells of another picture")
	}
	info, _ := Fit(m.Info, Formats[len(data)%len(Formats)])
	var out bytes.Buffer
	if err := m.Encode(&out, info, Options{}); err != nil {
		return err
	}
	if _, err := m.Tile(nil, m.Bounds()); err != nil {
		return err
	}
	_, err = m.Stored(nil, m.Bounds())
	return err
}

// fixSums corrects the checksums of a PNG's chunks, as far as they go.
func fixSums(data []byte) []byte {
	for at := 8; at+12 <= len(data); {
		n := int(binary.BigEndian.Uint32(data[at:]))
		if n < 0 || n > len(data)-at-12 {
			break
		}
		binary.BigEndian.PutUint32(data[at+8+n:], crc32.ChecksumIEEE(data[at+4:at+8+n]))
		at += 12 + n
	}
	return data
}
