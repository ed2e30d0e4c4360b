package imageio

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

// dpi returns a resolution of n pixels per inch along each axis.
func dpi(n uint32) Resolution { return Resolution{Ratio{n, 1}, Ratio{n, 1}, Inch} }

func resolution(x, dx, y, dy uint32, unit Unit) Resolution {
	return Resolution{Ratio{x, dx}, Ratio{y, dy}, unit}
}

// perInch returns a resolution in pixels per inch.
func perInch(r Resolution) [2]float64 {
	scale := map[Unit]float64{NoUnit: 1, Inch: 1, Centimetre: 2.54}[r.Unit]
	return [2]float64{r.X.float() * scale, r.Y.float() * scale}
}

// TestResolution writes resolutions of all kinds to every format and from there to
// every other one: the result equals the original, or a note says that it is lost.
func TestResolution(t *testing.T) {
	for name, r := range map[string]Resolution{
		"72 dpi":             resolution(72, 1, 72, 1, Inch),
		"300 dpi":            resolution(300, 1, 300, 1, Inch),
		"two axes":           resolution(300, 1, 150, 1, Inch),
		"TIFF's tenths":      resolution(3000000, 10000, 3000000, 10000, Inch),
		"96.5 dpi":           resolution(193, 2, 193, 2, Inch),
		"118.11 per cm":      resolution(11811, 100, 11811, 100, Centimetre),
		"200000 per cm":      resolution(200000, 1, 200000, 1, Centimetre),
		"more than 32 bits":  resolution(4294967295, 1, 4294967295, 1, Centimetre),
		"a tenth of a pixel": resolution(1, 10, 1, 10, Inch),
		"ImageJ's µm":        resolution(153846, 10000, 153846, 10000, NoUnit),
		"pixels 2:1":         resolution(2, 1, 1, 1, NoUnit),
		"pixels 59:54":       resolution(59, 1, 54, 1, NoUnit),
	} {
		for _, from := range Formats {
			for _, to := range Formats {
				info := Info{Format: from, W: 4, H: 3, Depth: 8, Meta: Metadata{Resolution: r}}
				info, lost := Fit(info, from)
				if len(lost) > 0 {
					if from != BMP {
						t.Errorf("%s: %v loses %q", name, from, lost)
					}
					continue
				}
				first := decoded(t, encoded(t, sceneOf(info), info, Options{}))
				info, lost = Fit(first.Info, to)
				second := decoded(t, encoded(t, first, info, Options{}))
				got, want := perInch(second.Meta.Resolution), perInch(r)
				near := math.Abs(got[0]-want[0]) <= 1e-3*want[0] && math.Abs(got[1]-want[1]) <= 1e-3*want[1]
				if !near && len(lost) == 0 || near && len(lost) > 0 {
					t.Errorf("%s, %v to %v: %v, want %v; lost %q", name, from, to, got, want, lost)
				}
				if near && (second.Meta.Resolution.Unit == NoUnit) != (r.Unit == NoUnit) {
					t.Errorf("%s, %v to %v: %+v", name, from, to, second.Meta.Resolution)
				}
			}
		}
	}
}

// TestResolutionIsExact: a TIFF gets exactly the numbers of another one, and those of a
// PNG in inches.
func TestResolutionIsExact(t *testing.T) {
	for _, tc := range []struct {
		from Format
		r    Resolution
		want Resolution
	}{
		{TIFF, resolution(200000, 1, 7, 3, Centimetre), resolution(200000, 1, 7, 3, Centimetre)},
		{TIFF, resolution(153846, 10000, 153846, 10000, NoUnit), resolution(153846, 10000, 153846, 10000, NoUnit)},
		{PNG, resolution(300, 1, 300, 1, Inch), resolution(300, 1, 300, 1, Inch)},
		{PNG, resolution(200000, 1, 200000, 1, Centimetre), resolution(508000, 1, 508000, 1, Inch)},
		{PNG, resolution(11810, 100, 11810, 100, Centimetre), resolution(11810, 100, 11810, 100, Centimetre)},
		{BMP, resolution(96, 1, 96, 1, Inch), resolution(96, 1, 96, 1, Inch)},
		{JPEG, resolution(601, 2, 601, 4, Centimetre), resolution(601, 2, 601, 4, Centimetre)},
		{JPEG, resolution(72009, 1000, 72009, 1000, Inch), resolution(72009, 1000, 72009, 1000, Inch)},
		{WebP, resolution(601, 2, 601, 4, Centimetre), resolution(601, 2, 601, 4, Centimetre)},
		{JPEG, resolution(118, 1, 118, 1, Centimetre), resolution(118, 1, 118, 1, Centimetre)},
	} {
		info := Info{Format: tc.from, W: 4, H: 3, Depth: 8, Meta: Metadata{Resolution: tc.r}}
		first := decoded(t, encoded(t, sceneOf(info), info, Options{}))
		info, _ = Fit(first.Info, TIFF)
		if got := decoded(t, encoded(t, first, info, Options{})).Meta.Resolution; got != tc.want {
			t.Errorf("%v by way of %v: %v, want %v", tc.r, tc.from, got, tc.want)
		}
	}
}

// TestResolutionInEXIF: EXIF's resolution is used if the container has none, and a
// container's with a unit takes precedence.
func TestResolutionInEXIF(t *testing.T) {
	exif := exifBlock(resolutionFields(resolution(240, 1, 120, 1, Inch))...)
	for name, tc := range map[string]struct{ container, want Resolution }{
		"EXIF only": {Resolution{}, resolution(240, 1, 120, 1, Inch)},
		"both":      {dpi(300), dpi(300)},
		"a shape":   {resolution(3, 1, 1, 1, NoUnit), resolution(3, 1, 1, 1, NoUnit)},
		"its shape": {resolution(2, 1, 1, 1, NoUnit), resolution(240, 1, 120, 1, Inch)},
	} {
		for _, f := range []Format{PNG, JPEG} {
			info := Info{Format: f, W: 4, H: 3, Depth: 8, Meta: Metadata{Resolution: tc.container, EXIF: exif}}
			if m := decoded(t, encoded(t, sceneOf(info), info, Options{})); m.Meta.Resolution != tc.want {
				t.Errorf("%s, %v: %v, want %v", name, f, m.Meta.Resolution, tc.want)
			}
		}
	}
}

// TestWithResolution: the rest of an EXIF block stays in place.
func TestWithResolution(t *testing.T) {
	little := exifOf(1, 12, 10)
	big := exifBlock(entry{tag: 271, kind: typeASCII, count: 7, data: []byte("Camera\x00")},
		entry{tag: tagExifIFD, sub: directory{raw(37500, []byte("a maker's notes"))}})
	for name, exif := range map[string][]byte{"little": little, "big": big, "odd": append(bytes.Clone(big), 1)} {
		out, ok := withResolution(exif, resolution(5, 3, 7, 2, Centimetre))
		if !ok || !bytes.Equal(out[8:len(exif)], exif[8:]) {
			t.Errorf("%s: ok %v, and what was there moved", name, ok)
		}
		if got := exifResolution(out); got != resolution(5, 3, 7, 2, Centimetre) {
			t.Errorf("%s: %v", name, got)
		}
		before, after := fieldsOf(t, exif), fieldsOf(t, out)
		if len(before) != len(after) {
			t.Errorf("%s: %d fields became %d", name, len(before), len(after))
		}
		again, ok := withResolution(out, resolution(10, 6, 7, 2, Centimetre))
		if !ok || !bytes.Equal(again, out) {
			t.Errorf("%s: the same resolution changed the block", name)
		}
	}
	if out, ok := withResolution([]byte("no block"), dpi(72)); ok || string(out) != "no block" {
		t.Errorf("a damaged block became %q", out)
	}
}

// TestBMPResolution reads and writes the header's pixels per metre.
func TestBMPResolution(t *testing.T) {
	info := Info{Format: BMP, W: 4, H: 3, Depth: 8, Meta: Metadata{Resolution: dpi(300)}}
	data := encoded(t, sceneOf(info), info, Options{})
	if x, y := binary.LittleEndian.Uint32(data[38:]), binary.LittleEndian.Uint32(data[42:]); x != 11811 || y != 11811 {
		t.Errorf("%d and %d pixels a metre", x, y)
	}
	for _, v := range []uint32{0, 1 << 31} {
		binary.LittleEndian.PutUint32(data[38:], v)
		if r := decoded(t, data).Meta.Resolution; r.known() {
			t.Errorf("%d pixels a metre are %v", v, r)
		}
	}
}
