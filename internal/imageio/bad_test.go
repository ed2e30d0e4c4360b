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

// chunk returns a PNG chunk with a correct checksum.
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

// badPNGs are broken in ways specific to PNG.
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
		"bomb":               {pngHead + ihdr(1<<30, 1<<30, "\x08\x00\x00\x00\x00") + pixels(rows) + end, "more than the limit of"},
		"colour type":        {pngHead + ihdr(4, 4, "\x08\x05\x00\x00\x00") + pixels(rows) + end, "colour type 5"},
		"depth":              {pngHead + ihdr(4, 4, "\x04\x02\x00\x00\x00") + pixels(rows) + end, "colour type 2 with 4 bits"},
		"interlace method":   {pngHead + ihdr(4, 4, "\x08\x00\x00\x00\x02") + pixels(rows) + end, "interlace method 2"},
		"no palette":         {pngHead + ihdr(4, 4, "\x08\x03\x00\x00\x00") + pixels(rows) + end, "palette has 0 bytes"},
		"outside palette":    {pngHead + ihdr(4, 4, "\x08\x03\x00\x00\x00") + chunk("PLTE", 1, 2, 3) + pixels(rows) + end, "palette of 1"},
		"unknown chunk":      {good + chunk("CRIT") + pixels(rows) + end, "a chunk \"CRIT\""},
		"nameless chunk":     {good + chunk("t\x00xt") + pixels(rows) + end, "no name of one"},
		"Apple":              {pngHead + chunk("CgBI", 0, 0, 0, 0) + good[8:] + pixels(rows) + end, "Apple's changes for its own devices"},
		"sent as text":       {strings.Replace(good, "\r\n", "\n", 1) + pixels(rows) + end, "transfer of files as text"},
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

// replaced returns s with part at an offset.
func replaced(s string, at int, part string) string { return s[:at] + part + s[at+len(part):] }

// tiffWith returns a grey TIFF of 4×4 with other fields.
func tiffWith(change ...entry) string {
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
	b, at := d.appendTo(make([]byte, 16), 8, binary.BigEndian)
	return string(binary.BigEndian.AppendUint32([]byte("MM\x00*"), uint32(at))) + string(b)
}

// badTIFFs are TIFFs with one fault each.
func badTIFFs() map[string][2]string {
	tiff := tiffWith
	nikon := entry{tag: tagMake, kind: typeASCII, count: 18, data: []byte("NIKON CORPORATION\x00")}
	return map[string][2]string{
		"head":            {"MM\x00*\x00\x00", "cut short"},
		"no directory":    {"MM\x00*\x00\x01\x00\x00", "cut short"},
		"long directory":  {"MM\x00*\x00\x00\x00\x08\xff\xff", "65535 fields"},
		"inks":            {tiff(shorts(tagPhotometric, 5), shorts(tagInkSet, 2)), "inks other than CMYK"},
		"chroma":          {tiff(shorts(tagPhotometric, 6)), "not in interleaved JPEG"},
		"chroma apart":    {tiff(shorts(tagPhotometric, 6), shorts(tagCompression, 7), shorts(tagSamplesPerPixel, 3), shorts(tagPlanarConfig, 2)), "not in interleaved JPEG"},
		"Lab":             {tiff(shorts(tagPhotometric, 8)), "Lab colour"},
		"DNG":             {tiff(shorts(tagSubfileType, 1), entry{tag: tagDNGVersion, kind: typeByte, count: 4, data: []byte{1, 4, 0, 0}}), "a camera raw file (DNG)"},
		"NEF":             {tiff(nikon, shorts(tagSubfileType, 1), entry{tag: tagSubIFDs, sub: directory{shorts(tagCompression, 34713)}}), "(NIKON CORPORATION)"},
		"ARW":             {tiff(shorts(tagSubfileType, 1), entry{tag: tagSubIFDs, sub: directory{shorts(tagPhotometric, photometricCFA)}}), "a camera raw file"},
		"preview":         {tiff(shorts(tagSubfileType, 1), entry{tag: tagSubIFDs, sub: directory{longs(tagImageWidth, 4000)}}), "a camera raw file"},
		"PEF":             {tiff(shorts(tagCompression, 65535)), "a camera raw file (Pentax PEF)"},
		"raw sensor":      {tiff(shorts(tagPhotometric, 32803)), "a camera raw file"},
		"unknown colour":  {tiff(shorts(tagPhotometric, 99)), "PhotometricInterpretation 99"},
		"old JPEG":        {tiff(shorts(tagCompression, 6)), "old-style JPEG compression"},
		"JPEG":            {tiff(shorts(tagCompression, 7)), "cut short"},
		"deep JPEG":       {tiff(shorts(tagCompression, 7), shorts(tagBitsPerSample, 12)), "12 bits a sample in JPEG"},
		"Zstandard":       {tiff(shorts(tagCompression, 50000)), "Zstandard"},
		"fax 3":           {tiff(shorts(tagCompression, 3), shorts(tagBitsPerSample, 1)), "cut short"},
		"fax 3 long":      {replaced(tiff(shorts(tagCompression, 3), shorts(tagBitsPerSample, 1)), 8, strings.Repeat("\x55", 16)), "pixel data are broken"},
		"fax 3 flat":      {tiff(shorts(tagCompression, 3), shorts(tagBitsPerSample, 1), longs(tagT4Options, 1)), "two-dimensional"},
		"fax 3 mixed":     {tiff(shorts(tagCompression, 3), shorts(tagBitsPerSample, 1), longs(tagT4Options, 2)), "uncompressed mode"},
		"fax 4":           {tiff(shorts(tagCompression, 4), shorts(tagBitsPerSample, 1)), "pixel data are broken"},
		"fax 4 cut":       {replaced(tiff(shorts(tagCompression, 4), shorts(tagBitsPerSample, 1), longs(tagStripByteCounts, 1)), 8, "\xe0"), "cut short"},
		"fax grey":        {tiff(shorts(tagCompression, 4)), "8 bits a sample in fax compression"},
		"fax mixed":       {tiff(shorts(tagCompression, 4), shorts(tagBitsPerSample, 1), longs(tagT6Options, 2)), "uncompressed mode"},
		"predictor 3":     {tiff(shorts(tagCompression, 8), shorts(tagPredictor, 3)), "floating-point samples (predictor 3)"},
		"predictor 4":     {tiff(shorts(tagCompression, 8), shorts(tagPredictor, 4)), "predictor 4"},
		"packed":          {tiff(shorts(tagCompression, 32773), shorts(tagPredictor, 2)), "a predictor in PackBits compression"},
		"signed":          {tiff(shorts(tagSampleFormat, 2)), "signed samples"},
		"unlike depths":   {tiff(shorts(tagPhotometric, 2), shorts(tagSamplesPerPixel, 3), shorts(tagBitsPerSample, 5, 6, 5)), "different depths"},
		"unlike alpha":    {tiff(shorts(tagPhotometric, 2), shorts(tagSamplesPerPixel, 5), shorts(tagBitsPerSample, 8, 8, 8, 8, 16)), "different depths (8 and 16 bits)"},
		"no colour":       {tiff(shorts(tagPhotometric)), "what its samples mean"},
		"24 bits":         {tiff(shorts(tagBitsPerSample, 24)), "24 bits a sample"},
		"17 bits":         {tiff(shorts(tagBitsPerSample, 17)), "17 bits a sample"},
		"no palette":      {tiff(shorts(tagPhotometric, 3)), "its palette has 0 bytes"},
		"no tiles":        {tiff(longs(tagTileWidth, 0)), "tiles are 0"},
		"no offsets":      {tiff(longs(tagStripOffsets)), "0 strips or tiles, but 1"},
		"rows unknown":    {tiff(longs(tagStripOffsets, 8, 16), longs(tagStripByteCounts, 8, 8), longs(tagRowsPerStrip, 0)), "2 strips of unknown height (RowsPerStrip)"},
		"strip left out":  {tiff(longs(tagStripOffsets, 0), longs(tagStripByteCounts, 0)), "strip or tile 0 is missing"},
		"old LZW":         {replaced(tiff(shorts(tagCompression, 5)), 8, "\x00\x01"), "before version 5"},
		"unknown packing": {tiff(shorts(tagCompression, 777)), "compression 777"},
		"planes":          {tiff(shorts(tagSamplesPerPixel, 3), shorts(tagPlanarConfig, 2), shorts(tagPhotometric, 2)), "1 strips or tiles, but 3 are needed"},
		"float":           {tiff(shorts(tagSampleFormat, 3)), "floating-point"},
		"grey and alpha":  {tiff(shorts(tagSamplesPerPixel, 2), shorts(tagBitsPerSample, 8, 8)), "cut short"},
		"no width":        {tiff(longs(tagImageWidth, 0)), "size of 0×4"},
		"bomb":            {tiff(longs(tagImageWidth, 1<<20), longs(tagImageLength, 1<<20)), "more than the limit of"},
		"strip beyond":    {tiff(longs(tagStripOffsets, 1<<30)), "cut short"},
		"strip too short": {tiff(longs(tagStripByteCounts, 3)), "TIFF"},
		"no zlib":         {tiff(shorts(tagCompression, 8)), "TIFF"},
		"no LZW":          {tiff(shorts(tagCompression, 5)), "TIFF"},
	}
}

// badWebPs are RIFF files that are not readable pictures.
func badWebPs() map[string][2]string {
	riff := func(chunks ...string) string {
		body := "WEBP" + strings.Join(chunks, "")
		return "RIFF" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body
	}
	part := func(kind, data string) string { return string(appendChunk(nil, kind, []byte(data))) }
	return map[string][2]string{
		"head":           {"RIFF\xff\x00\x00\x00WEBP", "cut short"},
		"nothing in it":  {riff(), "no picture"},
		"chunk too long": {riff("VP8L\xff\xff\x00\x00"), "cut short"},
		"animation":      {riff(part("VP8X", "\x02\x00\x00\x00\x03\x00\x00\x03\x00\x00")), "an animation"},
		"bomb":           {riff(part("VP8X", "\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff")), "WebP"},
		"large":          {riff(part("VP8L", "\x2f\xff\xff\xff\x0f\x00\x00")), "WebP"},
		"canvas only":    {riff(part("VP8X", "\x00\x00\x00\x00\x03\x00\x00\x03\x00\x00")), "no picture"},
		"no VP8L":        {riff(part("VP8L", "not a lossless picture")), "WebP"},
		"no VP8":         {riff(part("VP8 ", "not a lossy picture either")), "WebP"},
		"short VP8L":     {riff(part("VP8L", "\x2f\x03\xc0\x00\x00")), "WebP"},
	}
}

// badBMPs are BMPs of 2×2 with one fault each.
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
		"RLE":      {bmp(2, 2, 8, 1, 16), "cut short"},
		"JPEG":     {bmp(2, 2, 0, 4, 16), "JPEG or 24-bit"},
		"15 bits":  {bmp(2, 2, 15, 0, 16), "15 bits a pixel"},
		"16 bits":  {bmp(2, 2, 16, 0, 6), "cut short"},
		"bomb":     {bmp(1<<20, 1<<20, 24, 0, 16), "more than the limit of"},
		"negative": {bmp(-2, 2, 24, 0, 16), "size of -2×2"},
		"empty":    {bmp(0, 2, 24, 0, 16), "size of 0×2"},
	}
}

// badJPEGs are JPEGs with one fault each.
func badJPEGs(t testing.TB) map[string][2]string {
	info := Info{Format: JPEG, W: 40, H: 40, Depth: 8}
	jpg := string(encoded(t, sceneOf(info), info, Options{}))
	sof := strings.Index(jpg, "\xff\xc0")
	with := func(at int, b string) string { return replaced(jpg, at, b) }
	return map[string][2]string{
		"head":         {"\xff\xd8\xff\xe0", "cut short"},
		"half":         {jpg[:len(jpg)/2], "cut short"},
		"no frame":     {jpg[:sof] + jpg[sof+19:], "no frame header"},
		"arithmetic":   {with(sof, "\xff\xc9"), "arithmetic"},
		"lossless":     {with(sof, "\xff\xc3"), "lossless"},
		"hierarchical": {with(sof, "\xff\xc5"), "hierarchical"},
		"LS":           {with(sof, "\xff\xf7"), "JPEG-LS"},
		"DNL":          {with(sof+5, "\x00\x00"), "only given at its end"},
		"12 bits":      {with(sof+4, "\x0c"), "12 bits"},
		"bomb":         {with(sof+5, "\xff\xff\xff\xff"), "more than the limit of"},
		"ratio":        {with(sof+11, "\x31"), "JPEG"},
		"no length":    {"\xff\xd8\xff\xe1\x00\x01", "length is 1"},
		"end at once":  {"\xff\xd8\xff\xd9", "no frame header"},
	}
}

// badFiles are contents of files of all kinds, each with a part of the error.
func badFiles(t testing.TB) map[string][2]string {
	files := map[string][2]string{
		"empty":       {"", "it is empty"},
		"text":        {"Dear reader,\nthis is no picture. Grüße", "looks like text"},
		"cut text":    {strings.Repeat("ü", 256)[:sniffLen-1], "looks like text"},
		"noise":       {"\x00\x01\x02\x03\x04\x05\x06\x07\x08", "not an image that can be read"},
		"gif":         {"GIF89a\x01\x00\x01\x00", "a GIF, which cannot be read: take a frame of it"},
		"heic":        {"\x00\x00\x00\x18ftypheic", "a HEIC"},
		"avif":        {"\x00\x00\x00\x18ftypavif", "an AVIF"},
		"canon raw":   {"\x00\x00\x00\x18ftypcrx ", "a camera raw file (Canon CR3)"},
		"cr2":         {"II*\x00\x10\x00\x00\x00CR\x02\x00", "a camera raw file (Canon CR2)"},
		"raf":         {"FUJIFILMCCD-RAW 0201", "a camera raw file (Fujifilm RAF)"},
		"orf":         {"IIRO\x08\x00\x00\x00", "a camera raw file (Olympus ORF)"},
		"rw2":         {"IIU\x00\x18\x00\x00\x00", "a camera raw file (Panasonic RW2)"},
		"crw":         {"II\x1a\x00\x00\x00HEAPCCDR", "a camera raw file (Canon CRW)"},
		"video":       {"\x00\x00\x00\x18ftypisom", "a video"},
		"photoshop":   {"8BPS\x00\x01", "a Photoshop document"},
		"jpeg xl":     {"\xff\x0a\x00", "a JPEG XL"},
		"jpeg 2000":   {"\x00\x00\x00\x0cjP  \r\n", "a JPEG 2000"},
		"openexr":     {"v/1\x01\x02", "an OpenEXR"},
		"hdr":         {"#?RADIANCE\n", "a Radiance HDR"},
		"pdf":         {"%PDF-1.7", "a PDF"},
		"zip":         {"PK\x03\x04", "a ZIP archive, which cannot be read: unpack it first"},
		"gzip":        {"\x1f\x8b\x08", "a gzip archive, which cannot be read: unpack it first"},
		"numpy":       {"\x93NUMPY\x01\x00", "a NumPy array"},
		"bigtiff":     {"II+\x00\x08\x00\x00\x00", "cut short"},
		"bigtiff end": {bigBig + "\xff\xff\xff\xff\xff\xff\xff\xf0", "cut short"},
		"bigtiff width": {bigBig + "\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x02" +
			"\x01\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x04" +
			"\x01\x01\x00\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x04" + strings.Repeat("\x00", 8), "is 4294967295×4, more than the limit"},
		"bigtiff fields": {bigBig + "\x00\x00\x00\x00\x00\x00\x00\x10\xff\x00\x00\x00\x00\x00\x00\x00", "fields"},
		"riff sound":     {"RIFF\x04\x00\x00\x00WAVE", "a sound"},
		"riff other":     {"RIFF\x04\x00\x00\x00CDDA", "not an image that can be read"},
		"tar":            {"a.png" + strings.Repeat("\x00", 252) + "ustar", "a tar archive"},
		"tga":            {"\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x17\x00\x11\x00\x18\x00", "a TGA"},
		"tga of colours": {"\x1a\x01\x09\x00\x00\x00\x01\x18\x00\x00\x00\x00\x17\x00\x11\x00\x08\x20", "a TGA"},
		"cursor":         {"\x00\x00\x02\x00\x01\x00\x20\x20\x00\x00\x00\x00\x00\x00\xa8\x10\x00\x00\x16\x00\x00\x00", "a Windows cursor"},
		"icon":           {"\x00\x00\x01\x00\x01\x00\x20\x20\x00\x00\x01\x00\x18\x00\xa8\x0c\x00\x00\x16\x00\x00\x00", "a Windows icon"},
		"half a tar":     {"a.png" + strings.Repeat("\x00", 252) + "ust", "not an image that can be read"},
		"dicom":          {strings.Repeat("\x00", 128) + "DICM", "a DICOM"},
		"ppm":            {"P6\n2 2\n255\n", "a picture of Netpbm"},
		"pgm as text":    {"P2 # a comment\n2 2 255 1 2 3 4", "a picture of Netpbm"},
		"pfm":            {"Pf\r\n2 2\r\n-1.0\r\n", "a picture of Netpbm"},
		"pam":            {"P7\nWIDTH 2\n", "a picture of Netpbm"},
		"no pbm":         {"P4 rocessors", "looks like text"},
		"xv thumbnail":   {"P7 332\n", "looks like text"},
		"svg":            {"\ufeff<?xml version=\"1.0\"?>\n<!-- a -->\n<SVG width=\"1\">", "an SVG drawing"},
		"xml":            {"<?xml version=\"1.0\"?>\n<note/>", "looks like text"},
		"web page":       {"\r\n <!DOCTYPE HTML><title>404</title>", "a web page, which cannot be read: download the picture itself"},
		"lfs":            {"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"},
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

// TestBadFilesAreKept compares the files of testdata/bad, which the tests of commands
// read, with the table above.
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
