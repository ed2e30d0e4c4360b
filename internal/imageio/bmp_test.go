package imageio

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// bmpCase is a BMP of 2×2 and the expected result: planes of colours, and alpha; or an
// error, or a note.
type bmpCase struct {
	size, bits, compression, offset int    // an offset of −1 means that of the pixels
	height, colours                 int    // colours is 0 for all
	header                          string // what follows the first 40 bytes of the header
	pixels                          string
	want                            []int
	err, note                       string
}

// file builds the BMP.
func (c bmpCase) file() []byte {
	le := binary.LittleEndian
	header := le.AppendUint32(nil, uint32(c.size))
	if c.size == bmpCore {
		header = le.AppendUint16(le.AppendUint16(header, 2), uint16(c.height))
	} else {
		header = le.AppendUint32(le.AppendUint32(header, 2), uint32(int32(c.height)))
	}
	header = le.AppendUint16(le.AppendUint16(header, 1), uint16(c.bits))
	if c.size != bmpCore {
		header = append(le.AppendUint32(header, uint32(c.compression)), make([]byte, 20)...)
		header[32] = byte(c.colours)
	}
	header = append(header, c.header...)
	if c.bits <= 8 {
		header = append(header, make([]byte, max(c.size-len(header), 0))...)
		for i := range cmp.Or(c.colours, 1<<c.bits) {
			header = append(header, []byte{byte(i), byte(i), byte(2 * i), 0}[:min(c.size/4, 4)]...)
		}
	}
	offset := c.offset
	if offset < 0 {
		offset = 14 + len(header)
	}
	return slices.Concat([]byte("BM\x00\x00\x00\x00\x00\x00\x00\x00"), le.AppendUint32(nil, uint32(offset)), header, []byte(c.pixels))
}

// masks are channels of 16 or 32 bits.
func masks(m ...uint32) string {
	var b []byte
	for _, v := range m {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return string(b)
}

// version5 returns the colour information of a version 5 header, which follows the
// masks.
func version5(space string, endpoints [9]float64, gamma float64, at, n uint32) string {
	b := []byte(space)
	for _, e := range endpoints {
		b = binary.LittleEndian.AppendUint32(b, uint32(e*(1<<30)))
	}
	for range 3 {
		b = binary.LittleEndian.AppendUint32(b, uint32(gamma*(1<<16)))
	}
	return string(b) + masks(0, at, n, 0)
}

// TestBMP reads headers, masks and run lengths as found in practice.
func TestBMP(t *testing.T) {
	const rgb24 = "\x01\x02\x03\x04\x05\x06\x00\x00\x07\x08\x09\x0a\x0b\x0c\x00\x00"
	want24 := []int{9, 12, 3, 6, 8, 11, 2, 5, 7, 10, 1, 4}
	const rgb32 = "\x01\x02\x03\x80\x04\x05\x06\x00\x07\x08\x09\xff\x0a\x0b\x0c\xff"
	usual, none := masks(0xff0000, 0xff00, 0xff), masks(0, 0, 0)
	runs := []int{6, 8, 2, 4, 3, 4, 1, 2, 3, 4, 1, 2} // indices 3 4 over 1 2
	turned := []int{2, 4, 6, 8, 1, 2, 3, 4, 1, 2, 3, 4}
	sRGB := [9]float64{.4124, .2126, .0193, .3576, .7152, .1192, .1805, .0722, .9505}
	wide := [9]float64{.68, .32, 0, .265, .69, .045, .15, .06, .79}
	masks5, space := usual+masks(0), "\x00\x00\x00\x00"
	profile := string(iccOf("RGB ", 200))
	for name, c := range map[string]bmpCase{
		"24 bits":                 {size: 40, bits: 24, offset: -1, height: 2, pixels: rgb24, want: want24},
		"no offset":               {size: 40, bits: 24, height: 2, pixels: rgb24, want: want24},
		"no offset, masks":        {size: 40, bits: 32, compression: bmpFields, height: 2, header: usual, pixels: rgb32, want: want24},
		"no offset, palette":      {size: 40, bits: 1, height: 2, pixels: "\x40\x00\x00\x00\x80\x00\x00\x00", want: []int{2, 0, 0, 2, 1, 0, 0, 1, 1, 0, 0, 1}},
		"no offset, few colours":  {size: 40, bits: 4, height: 2, colours: 3, pixels: "\x12\x00\x00\x00\x21\x00\x00\x00", want: []int{4, 2, 2, 4, 2, 1, 1, 2, 2, 1, 1, 2}},
		"no offset, many colours": {size: 40, bits: 1, height: 2, colours: 5, pixels: "\x40\x00\x00\x00\x80\x00\x00\x00", want: []int{2, 0, 0, 2, 1, 0, 0, 1, 1, 0, 0, 1}},
		"offset in the header":    {size: 40, bits: 24, offset: 20, height: 2, pixels: rgb24, err: "begin at byte 20, within its header"},
		"24 bits with masks":      {size: 40, bits: 24, compression: bmpFields, offset: -1, height: 2, header: usual, pixels: rgb24, want: want24},
		"24 bits turned":          {size: 40, bits: 24, compression: bmpFields, offset: -1, height: 2, header: masks(0xff, 0xff00, 0xff0000), pixels: rgb24, err: "unusual order"},
		"masks of nothing":        {size: 40, bits: 32, compression: bmpFields, offset: -1, height: 2, header: none, pixels: rgb32, want: want24},
		"alpha":                   {size: 56, bits: 32, compression: bmpFields, offset: -1, height: 2, header: usual + masks(0xff000000), pixels: rgb32, want: append(slices.Clone(want24), 255, 255, 128, 0)},
		"late alpha":              {size: 56, bits: 32, compression: bmpFields, offset: -1, height: 2, header: usual + masks(0xff000000), pixels: "\x01\x02\x03\x00\x04\x05\x06\x80\x07\x08\x09\x00\x0a\x0b\x0c\x00", want: append(slices.Clone(want24), 0, 0, 0, 128)},
		"alpha that is 0":         {size: 56, bits: 32, compression: bmpFields, offset: -1, height: 2, header: usual + masks(0xff000000), pixels: "\x01\x02\x03\x00\x04\x05\x06\x00\x07\x08\x09\x00\x0a\x0b\x0c\x00", want: want24},
		"OS/2":                    {size: bmpCore, bits: 24, offset: -1, height: 2, pixels: rgb24, want: want24},
		"OS/2, palette":           {size: bmpCore, bits: 1, offset: -1, height: 2, pixels: "\x40\x00\x00\x00\x80\x00\x00\x00", want: []int{2, 0, 0, 2, 1, 0, 0, 1, 1, 0, 0, 1}},
		"5 bits":                  {size: 40, bits: 16, offset: -1, height: 1, pixels: "\x43\x0c\x1f\x7c", want: []int{24, 255, 16, 0, 24, 255}},
		"5 and 6 bits":            {size: 40, bits: 16, compression: bmpFields, offset: -1, height: 1, header: masks(0xf800, 0x7e0, 0x1f), pixels: "\x43\x18\xff\xff", want: []int{24, 255, 8, 255, 24, 255}},
		"runs":                    {size: 40, bits: 8, compression: bmpRLE8, offset: -1, height: 2, pixels: "\x01\x01\x01\x02\x00\x00\x01\x03\x01\x04\x00\x01", want: runs},
		"runs from the top":       {size: 40, bits: 8, compression: bmpRLE8, offset: -1, height: -2, pixels: "\x01\x01\x01\x02\x00\x00\x01\x03\x01\x04\x00\x01", want: turned},
		"runs without an end":     {size: 40, bits: 8, compression: bmpRLE8, offset: -1, height: 2, pixels: "\x01\x01\x01\x02\x00\x00\x01\x03\x01\x04\x00\x00", want: runs},
		"runs without any end":    {size: 40, bits: 4, compression: bmpRLE4, offset: -1, height: 2, pixels: "\x02\x12\x00\x00\x02\x34", want: runs},
		"runs cut":                {size: 40, bits: 8, compression: bmpRLE8, offset: -1, height: 2, pixels: "\x01\x01\x01\x02\x00\x00\x01\x03", err: "cut short"},
		"calibrated as sRGB":      {size: 124, bits: 24, offset: -1, height: 2, header: masks5 + version5(space, sRGB, 2.2, 0, 0), pixels: rgb24, want: want24, note: "primary colours"},
		"calibrated as nothing":   {size: 124, bits: 24, offset: -1, height: 2, header: masks5 + version5(space, [9]float64{}, 0, 0, 0), pixels: rgb24, want: want24},
		"wide colours":            {size: 124, bits: 24, offset: -1, height: 2, header: masks5 + version5(space, wide, 2.2, 0, 0), pixels: rgb24, want: want24, note: "primary colours"},
		"linear":                  {size: 124, bits: 24, offset: -1, height: 2, header: masks5 + version5(space, sRGB, 1, 0, 0), pixels: rgb24, want: want24, note: "gamma"},
		"sRGB":                    {size: 124, bits: 24, offset: -1, height: 2, header: masks5 + version5("BGRs", wide, 1, 0, 0), pixels: rgb24, want: want24},
		"profile":                 {size: 124, bits: 24, offset: -1, height: 2, header: masks5 + version5("DEBM", wide, 1, 124+16, 328), pixels: rgb24 + profile, want: want24},
		"profile elsewhere":       {size: 124, bits: 24, offset: -1, height: 2, header: masks5 + version5("KNIL", wide, 1, 124+16, 6), pixels: rgb24 + "a.icc\x00", want: want24, note: "in another file"},
		"profile behind the end":  {size: 124, bits: 24, offset: -1, height: 2, header: masks5 + version5("DEBM", wide, 1, 124+16, 2000), pixels: rgb24 + profile, want: want24, note: "damaged colour profile"},
		"foreign profile":         {size: 124, bits: 24, offset: -1, height: 2, header: masks5 + version5("DEBM", wide, 1, 124+16, 328), pixels: rgb24 + string(iccOf("CMYK", 200)), want: want24, note: `"CMYK"`},
	} {
		t.Run(name, func(t *testing.T) {
			if c.err != "" {
				if _, err := Decode(bytes.NewReader(c.file()), "test", Limits{}); err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %v", err)
				}
				return
			}
			m := describes(t, c.file())
			if got := values(t, m); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if notes := strings.Join(m.Notes, "; "); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
				t.Errorf("notes %q, want one of %q", notes, c.note)
			}
			if kept := m.Meta.ICC != nil; kept != (name == "profile") {
				t.Errorf("a profile was kept: %v", kept)
			}
		})
	}
}
