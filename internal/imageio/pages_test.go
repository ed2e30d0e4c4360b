package imageio

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"strings"
	"testing"
)

// TestPages writes pictures of every kind into one TIFF and reads each of them with its
// own metadata.
func TestPages(t *testing.T) {
	kinds := []Info{
		{W: 9, H: 9, Depth: 8, Grey: true}, {W: 31, H: 7, Depth: 16}, {W: 1, H: 1, Depth: 8},
		{W: 8, H: 30, Depth: 8, Alpha: true}, {W: 5, H: 5, Depth: 16, Grey: true},
	}
	var out bytes.Buffer
	pages := NewPages(&out, Options{}, len(kinds))
	for i := range kinds {
		kinds[i].Format, kinds[i].Meta.XMP = TIFF, fmt.Appendf(nil, "<x:xmpmeta>page %d</x:xmpmeta>", i+1)
		w, err := pages.Next(kinds[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := sceneOf(kinds[i]).copyTo(w); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pages.Next(kinds[0]); err == nil {
		t.Error("more pages than announced are accepted")
	}
	data := out.Bytes()
	for i, info := range kinds {
		limits := Limits{Page: i + 1}
		p, err := ProbeReader(bytes.NewReader(data), "test", limits)
		if err != nil || p.Pages != len(kinds) || p.W != info.W || p.Grey != info.Grey {
			t.Errorf("page %d: probed %+v, %v", i+1, p, err)
		}
		m, err := Decode(bytes.NewReader(data), "test", limits)
		if err != nil {
			t.Fatal(err)
		}
		same(t, m, sceneOf(info))
		if string(m.Meta.XMP) != string(info.Meta.XMP) || len(m.Notes) > 0 {
			t.Errorf("page %d: XMP %q, notes %q", i+1, m.Meta.XMP, m.Notes)
		}
	}
	if _, err := Decode(bytes.NewReader(data), "test", Limits{Page: 6}); err == nil || !strings.Contains(err.Error(), "no page 6") {
		t.Errorf("page 6 of 5: %v", err)
	}
	m := decoded(t, data)
	if notes := strings.Join(m.Notes, ""); !strings.Contains(notes, "first of 5 pages") || m.Bounds() != image.Rect(0, 0, 9, 9) {
		t.Errorf("read as %+v, notes %q", m.Info, notes)
	}
	if _, err := NewPages(io.Discard, Options{}, 2).Next(Info{Format: PNG, W: 1, H: 1, Depth: 8}); err == nil {
		t.Error("a PNG with pages is accepted")
	}
}

// TestTIFFLengths reads files without the lengths of strips and tiles, or their height, and
// one with more depths than samples.
func TestTIFFLengths(t *testing.T) {
	grey := tiffVariant{photometric: tiffBlackIsZero, bits: 8, samples: 1, compression: tiffNone}
	packed := grey
	packed.compression = tiffDeflate
	tiled := packed
	tiled.tiled = true
	for _, v := range []tiffVariant{grey, packed, tiled} {
		for missing, edit := range map[string]func(f field, file []byte){
			"all lengths 0":     func(f field, file []byte) { clear(file[f.at : f.at+f.size()]) },
			"the last length 0": func(f field, file []byte) { clear(file[f.at+f.size()-4 : f.at+f.size()]) },
			"no lengths at all": func(f field, file []byte) { file[f.entry] = 0xff },
		} {
			file := v.file()
			d, err := exifDirectory(file)
			counts, found := d.find(map[bool]uint16{false: tagStripByteCounts, true: tagTileByteCounts}[v.tiled])
			if err != nil || !found {
				t.Fatal(err)
			}
			edit(counts, file)
			if worst, _ := difference(t, values(t, describes(t, file)), v.want(-1)); worst > 0 {
				t.Errorf("%v, %s: off by %d", v, missing, worst)
			}
		}
	}
	for _, odd := range []entry{longs(tagRowsPerStrip, 0), shorts(tagBitsPerSample, 8, 16)} {
		same(t, decoded(t, []byte(tiffWith(odd))), decoded(t, []byte(tiffWith())))
	}
}
