package imageio

import (
	"bytes"
	"encoding/binary"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// chunk is a PNG chunk with a right checksum.
func chunk(kind string, data ...byte) string {
	var b bytes.Buffer
	writeChunk(&b, kind, data)
	return b.String()
}

const (
	pngHead    = "\x89PNG\r\n\x1a\n"
	ihdrSecond = "\x00\x00\x00\x04" // a side of 4
)

func ihdr(w, h uint32, rest string) string {
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	return chunk("IHDR", append(b, rest...)...)
}

// badPNGs are broken in ways that only a PNG can be.
func badPNGs() map[string][2]string {
	good := pngHead + ihdr(4, 4, "\x08\x00\x00\x00\x00")
	pixels := func(raw string) string { return chunk("IDAT", deflate([]byte(raw))...) }
	rows := strings.Repeat("\x00abcd", 4)
	wrongSum := pixels(rows)
	wrongSum = wrongSum[:len(wrongSum)-1] + "\x00"
	end := chunk("IEND")
	return map[string][2]string{
		"header only":        {good, "cut short"},
		"no pixels":          {good + end, "holds no pixels"},
		"no header":          {pngHead + pixels(rows) + end, "first chunk"},
		"two headers":        {good + ihdr(4, 4, "\x08\x00\x00\x00\x00") + end, "first chunk"},
		"short header":       {pngHead + chunk("IHDR", 0, 0, 0, 4) + end, "header has 4 bytes"},
		"no size":            {pngHead + ihdr(0, 4, "\x08\x00\x00\x00\x00") + pixels(rows) + end, "size of 0×4"},
		"huge size":          {pngHead + ihdr(1<<31, 4, "\x08\x00\x00\x00\x00") + pixels(rows) + end, "its size is"},
		"bomb":               {pngHead + ihdr(1<<30, 1<<30, "\x08\x00\x00\x00\x00") + pixels(rows) + end, "--max-pixels"},
		"colour type":        {pngHead + ihdr(4, 4, "\x08\x05\x00\x00\x00") + pixels(rows) + end, "colour type 5"},
		"depth":              {pngHead + ihdr(4, 4, "\x04\x02\x00\x00\x00") + pixels(rows) + end, "colour type 2 with 4 bits"},
		"interlace method":   {pngHead + ihdr(4, 4, "\x08\x00\x00\x00\x02") + pixels(rows) + end, "interlace method 2"},
		"no palette":         {pngHead + ihdr(4, 4, "\x08\x03\x00\x00\x00") + pixels(rows) + end, "palette has 0 bytes"},
		"outside palette":    {pngHead + ihdr(4, 4, "\x08\x03\x00\x00\x00") + chunk("PLTE", 1, 2, 3) + pixels(rows) + end, "palette of 1"},
		"unknown chunk":      {good + chunk("CRIT") + pixels(rows) + end, "a chunk \"CRIT\""},
		"too few rows":       {good + pixels(rows[:7]) + end, "cut short"},
		"no zlib":            {good + chunk("IDAT", []byte("hello, world")...) + end, "pixel data are broken"},
		"bad filter":         {good + pixels("\x09"+rows[1:]) + end, "filter 9"},
		"wrong pixel sum":    {good + wrongSum + end, "checksum"},
		"wrong header sum":   {strings.Replace(good, ihdrSecond+"\x08", ihdrSecond+"\x10", 1) + end, "checksum"},
		"chunk without end":  {good + "\x00\x00\x10\x00tEXthello", "cut short"},
		"chunk of 4 GiB":     {good + "\xff\xff\xff\xffPLTEhello", "bytes"},
		"bad interlaced":     {pngHead + ihdr(4, 4, "\x08\x00\x00\x00\x01") + pixels("\x09") + end, "PNG"},
		"truncated zlib sum": {good + chunk("IDAT", deflate([]byte(rows))[:len(deflate([]byte(rows)))-2]...) + end, "cut short"},
	}
}

// badTIFFs are a grey TIFF of 4×4 with one thing wrong.
func badTIFFs() map[string][2]string {
	tiff := func(change ...entry) string {
		d := directory{
			longs(tagImageWidth, 4), longs(tagImageLength, 4), shorts(tagBitsPerSample, 8), shorts(tagCompression, 1),
			shorts(tagPhotometric, 1), longs(tagStripOffsets, 8), shorts(tagSamplesPerPixel, 1),
			longs(tagRowsPerStrip, 4), longs(tagStripByteCounts, 16),
		}
		for _, c := range change {
			kept := d[:0]
			for _, e := range d {
				if e.tag != c.tag {
					kept = append(kept, e)
				}
			}
			d = append(kept, c)
		}
		b, at := d.appendTo(make([]byte, 16), 8)
		return string(tiffOrder.AppendUint32([]byte("MM\x00*"), uint32(at))) + string(b)
	}
	return map[string][2]string{
		"head":            {"MM\x00*\x00\x00", "cut short"},
		"no directory":    {"MM\x00*\x00\x01\x00\x00", "cut short"},
		"long directory":  {"MM\x00*\x00\x00\x00\x08\xff\xff", "cut short"},
		"CMYK":            {tiff(shorts(tagPhotometric, 5)), "CMYK colour"},
		"Lab":             {tiff(shorts(tagPhotometric, 8)), "Lab colour"},
		"raw sensor":      {tiff(shorts(tagPhotometric, 32803)), "raw sensor data"},
		"unknown colour":  {tiff(shorts(tagPhotometric, 99)), "color model"},
		"JPEG":            {tiff(shorts(tagCompression, 7)), "JPEG compression"},
		"Zstandard":       {tiff(shorts(tagCompression, 50000)), "Zstandard"},
		"unknown packing": {tiff(shorts(tagCompression, 777)), "compression value 777"},
		"planes":          {tiff(shorts(tagSamplesPerPixel, 3), shorts(tagPlanarConfig, 2)), "PlanarConfiguration 2"},
		"float":           {tiff(shorts(tagSampleFormat, 3)), "floating-point"},
		"12 bits":         {tiff(shorts(tagBitsPerSample, 12)), "BitsPerSample of 12"},
		"grey and alpha":  {tiff(shorts(tagSamplesPerPixel, 2), shorts(tagBitsPerSample, 8, 8)), "extra samples"},
		"no width":        {tiff(longs(tagImageWidth, 0)), "zero-size"},
		"bomb":            {tiff(longs(tagImageWidth, 1<<20), longs(tagImageLength, 1<<20)), "--max-pixels"},
		"strip beyond":    {tiff(longs(tagStripOffsets, 1<<30)), "cut short"},
		"strip too short": {tiff(longs(tagStripByteCounts, 3)), "TIFF"},
		"no zlib":         {tiff(shorts(tagCompression, 8)), "TIFF"},
		"no LZW":          {tiff(shorts(tagCompression, 5)), "TIFF"},
	}
}

// badWebPs are RIFF files that are no picture to be read.
func badWebPs() map[string][2]string {
	riff := func(chunks ...string) string {
		body := "WEBP" + strings.Join(chunks, "")
		return "RIFF" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body
	}
	part := func(kind, data string) string { return string(appendChunk(nil, kind, []byte(data))) }
	return map[string][2]string{
		"head":           {"RIFF\xff\x00\x00\x00WEBP", "cut short"},
		"nothing in it":  {riff(), "invalid format"},
		"chunk too long": {riff("VP8L\xff\xff\x00\x00"), "cut short"},
		"animation":      {riff(part("VP8X", "\x02\x00\x00\x00\x03\x00\x00\x03\x00\x00")), "an animation"},
		"bomb":           {riff(part("VP8X", "\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff")), "WebP"},
		"large":          {riff(part("VP8X", "\x00\x00\x00\x00\xff\x7f\x00\xff\x7f\x00")), "--max-pixels"},
		"canvas only":    {riff(part("VP8X", "\x00\x00\x00\x00\x03\x00\x00\x03\x00\x00")), "invalid format"},
		"no VP8L":        {riff(part("VP8L", "not a lossless picture")), "WebP"},
		"no VP8":         {riff(part("VP8 ", "not a lossy picture either")), "WebP"},
		"short VP8L":     {riff(part("VP8L", "\x2f\x03\xc0\x00\x00")), "WebP"},
	}
}

// badBMPs are a BMP of 2×2 with one thing wrong.
func badBMPs() map[string][2]string {
	bmp := func(w, h int32, bits uint16, compression uint32, pixels int) string {
		le := binary.LittleEndian
		b := le.AppendUint32([]byte("BM\x00\x00\x00\x00\x00\x00\x00\x00"), 54)
		b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, 40), uint32(w)), uint32(h))
		b = le.AppendUint16(le.AppendUint16(b, 1), bits)
		b = append(le.AppendUint32(b, compression), make([]byte, 20+pixels)...)
		return string(b)
	}
	return map[string][2]string{
		"head":     {"BM\x00\x00\x00\x00\x00\x00\x00\x00", "cut short"},
		"no rows":  {bmp(2, 2, 24, 0, 8), "cut short"},
		"RLE":      {bmp(2, 2, 8, 1, 16), "run lengths"},
		"16 bits":  {bmp(2, 2, 16, 0, 16), "cannot be read"},
		"bomb":     {bmp(1<<20, 1<<20, 24, 0, 16), "--max-pixels"},
		"negative": {bmp(-2, 2, 24, 0, 16), "cannot be read"},
		"empty":    {bmp(0, 2, 24, 0, 16), "cannot be read"},
	}
}

// badJPEGs are a JPEG with one thing wrong.
func badJPEGs(t testing.TB) map[string][2]string {
	info := Info{Format: JPEG, W: 40, H: 40, Depth: 8}
	jpg := string(encoded(t, sceneOf(info), info, Options{}))
	sof := strings.Index(jpg, "\xff\xc0")
	with := func(at int, b string) string { return jpg[:at] + b + jpg[at+len(b):] }
	return map[string][2]string{
		"head":         {"\xff\xd8\xff\xe0", "cut short"},
		"half":         {jpg[:len(jpg)/2], "cut short"},
		"no frame":     {jpg[:sof] + jpg[sof+19:], "no frame header"},
		"arithmetic":   {with(sof, "\xff\xc9"), "arithmetic"},
		"lossless":     {with(sof, "\xff\xc3"), "lossless"},
		"hierarchical": {with(sof, "\xff\xc5"), "hierarchical"},
		"12 bits":      {with(sof+4, "\x0c"), "12 bits"},
		"bomb":         {with(sof+5, "\xff\xff\xff\xff"), "--max-pixels"},
		"ratio":        {with(sof+11, "\x31"), "JPEG"},
		"no length":    {"\xff\xd8\xff\xe1\x00\x01", "length is 1"},
		"end at once":  {"\xff\xd8\xff\xd9", "no frame header"},
	}
}

// badFiles are contents of files of any kind, with a part of the error each.
func badFiles(t testing.TB) map[string][2]string {
	files := map[string][2]string{
		"empty":      {"", "it is empty"},
		"text":       {"Dear reader,\nthis is no picture. Grüße", "looks like text"},
		"cut text":   {strings.Repeat("ü", 256)[:sniffLen-1], "looks like text"},
		"noise":      {"\x00\x01\x02\x03\x04\x05\x06\x07\x08", "not an image that can be read"},
		"gif":        {"GIF89a\x01\x00\x01\x00", "a GIF, which cannot be read: convert"},
		"heic":       {"\x00\x00\x00\x18ftypheic", "a HEIC"},
		"avif":       {"\x00\x00\x00\x18ftypavif", "an AVIF"},
		"canon raw":  {"\x00\x00\x00\x18ftypcrx ", "a Canon raw file"},
		"video":      {"\x00\x00\x00\x18ftypisom", "a video"},
		"photoshop":  {"8BPS\x00\x01", "a Photoshop document"},
		"jpeg xl":    {"\xff\x0a\x00", "a JPEG XL"},
		"jpeg 2000":  {"\x00\x00\x00\x0cjP  \r\n", "a JPEG 2000"},
		"openexr":    {"v/1\x01\x02", "an OpenEXR"},
		"hdr":        {"#?RADIANCE\n", "a Radiance HDR"},
		"pdf":        {"%PDF-1.7", "a PDF"},
		"zip":        {"PK\x03\x04", "a ZIP archive"},
		"gzip":       {"\x1f\x8b\x08", "a gzip archive"},
		"numpy":      {"\x93NUMPY\x01\x00", "a NumPy array"},
		"bigtiff":    {"II+\x00\x08\x00", "a BigTIFF"},
		"riff sound": {"RIFF\x04\x00\x00\x00WAVE", "not an image"},
	}
	for format, bad := range map[Format]map[string][2]string{
		PNG: badPNGs(), JPEG: badJPEGs(t), TIFF: badTIFFs(), WebP: badWebPs(), BMP: badBMPs(),
	} {
		for name, c := range bad {
			files[format.String()+" "+name] = c
		}
	}
	return files
}

var update = flag.Bool("update", false, "write testdata/bad anew")

// TestBadFilesAreKept holds the files of testdata/bad, which the tests of
// programs read, to the table above.
func TestBadFilesAreKept(t *testing.T) {
	const dir = "testdata/bad"
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := badFiles(t)
	for name, c := range files {
		path := filepath.Join(dir, strings.ToLower(strings.ReplaceAll(name, " ", "-")))
		if *update {
			if err := os.WriteFile(path, []byte(c[0]), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if data, err := os.ReadFile(path); err != nil || string(data) != c[0] {
			t.Errorf("%s is not what it should be (%v): run this test with -update", path, err)
		}
	}
	if !*update && len(kept) != len(files) {
		t.Errorf("%d files, want %d: run this test with -update", len(kept), len(files))
	}
}
