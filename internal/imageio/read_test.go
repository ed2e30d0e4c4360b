package imageio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"io"
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

// badFiles are contents of files of any kind, with a part of the error each.
func badFiles(t testing.TB) map[string][2]string {
	info := Info{Format: JPEG, W: 40, H: 40, Depth: 8}
	jpg := string(encoded(t, sceneOf(info), info, Options{}))
	sof := strings.Index(jpg, "\xff\xc0")
	with := func(at int, b string) string { return jpg[:at] + b + jpg[at+len(b):] }
	files := map[string][2]string{
		"empty":             {"", "it is empty"},
		"text":              {"Dear reader,\nthis is no picture. Grüße", "looks like text"},
		"cut text":          {strings.Repeat("ü", 256)[:sniffLen-1], "looks like text"},
		"noise":             {"\x00\x01\x02\x03\x04\x05\x06\x07\x08", "not an image that can be read"},
		"gif":               {"GIF89a\x01\x00\x01\x00", "a GIF, which cannot be read: convert"},
		"heic":              {"\x00\x00\x00\x18ftypheic", "a HEIC"},
		"avif":              {"\x00\x00\x00\x18ftypavif", "an AVIF"},
		"video":             {"\x00\x00\x00\x18ftypisom", "a video"},
		"photoshop":         {"8BPS\x00\x01", "a Photoshop document"},
		"jpeg xl":           {"\xff\x0a\x00", "a JPEG XL"},
		"pdf":               {"%PDF-1.7", "a PDF"},
		"zip":               {"PK\x03\x04", "a ZIP archive"},
		"bigtiff":           {"II+\x00\x08\x00", "a BigTIFF"},
		"jpeg head":         {"\xff\xd8\xff\xe0", "cut short"},
		"jpeg half":         {jpg[:len(jpg)/2], "cut short"},
		"jpeg arithmetic":   {with(sof, "\xff\xc9"), "arithmetic"},
		"jpeg lossless":     {with(sof, "\xff\xc3"), "lossless"},
		"jpeg hierarchical": {with(sof, "\xff\xc5"), "hierarchical"},
		"jpeg 12 bits":      {with(sof+4, "\x0c"), "12 bits"},
		"jpeg bomb":         {with(sof+5, "\xff\xff\xff\xff"), "--max-pixels"},
		"jpeg ratio":        {with(sof+11, "\x31"), "JPEG"},
		"jpeg no length":    {"\xff\xd8\xff\xe1\x00\x01", "length is 1"},
	}
	for name, c := range badPNGs() {
		files["png "+name] = c
	}
	return files
}

func TestBadFiles(t *testing.T) {
	for name, c := range badFiles(t) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "picture.png")
			if err := os.WriteFile(path, []byte(c[0]), 0o600); err != nil {
				t.Fatal(err)
			}
			m, err := Open(path, Limits{})
			if err == nil {
				t.Fatalf("read as %+v", m.Info)
			}
			for _, part := range []string{path, c[1]} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}

func TestBadPaths(t *testing.T) {
	folder := t.TempDir()
	if _, err := Open(folder, Limits{}); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
	missing := filepath.Join(folder, "absent.png")
	_, err := Open(missing, Limits{})
	if !errors.Is(err, os.ErrNotExist) || strings.Count(err.Error(), missing) != 1 {
		t.Errorf("a missing file: %v", err)
	}
}

// TestEveryTruncation cuts files at every byte: each is refused, or is whole
// but for what follows the picture.
func TestEveryTruncation(t *testing.T) {
	for _, f := range Formats {
		info := Info{Format: f, W: 9, H: 9, Depth: 8}
		if f == PNG || f == JPEG || f == WebP { // in a TIFF it follows the picture
			info.Meta.EXIF = exifOf(1, 9, 9)
		}
		data := encoded(t, sceneOf(info), info, Options{})
		decoded(t, data)
		for n := range len(data) - 4 {
			if _, err := Decode(bytes.NewReader(data[:n]), "test", Limits{}); err == nil {
				t.Errorf("%v: %d of %d bytes are read as a picture", f, n, len(data))
			}
		}
	}
}

// TestLateDamage reads a streamed picture whose end is missing: the first rows
// come, the last do not, and the error is the same again.
func TestLateDamage(t *testing.T) {
	info := Info{Format: PNG, W: 64, H: 400, Depth: 16}
	data := encoded(t, sceneOf(info), info, Options{})
	broken := bytes.Clone(data)
	at := len(broken) * 3 / 4
	clear(broken[at : at+40])
	m, err := Decode(bytes.NewReader(broken), "test", Limits{MaxBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Tile(nil, image.Rect(0, 0, 64, 20)); err != nil {
		t.Errorf("the first rows: %v", err)
	}
	for range 2 {
		if _, err := m.Tile(nil, image.Rect(0, 380, 64, 400)); err == nil {
			t.Error("the last rows are read from a damaged file")
		}
	}
	if err := m.Encode(io.Discard, m.Info, Options{}); err == nil {
		t.Error("a damaged picture was copied")
	}
}

func TestLimits(t *testing.T) {
	info := Info{Format: PNG, W: 20, H: 30, Depth: 8}
	data := encoded(t, sceneOf(info), info, Options{})
	if _, err := Decode(bytes.NewReader(data), "test", Limits{MaxPixels: 600}); err != nil {
		t.Errorf("600 pixels of 600: %v", err)
	}
	_, err := Decode(bytes.NewReader(data), "big.png", Limits{MaxPixels: 599})
	if err == nil || !strings.Contains(err.Error(), "big.png is 20×30, more than the limit of 599 pixels") {
		t.Errorf("got %v", err)
	}
}

// TestStreamedFileCloses reads a streamed picture from disk to its end.
func TestStreamedFileCloses(t *testing.T) {
	info := Info{Format: PNG, W: 20, H: 30, Depth: 8}
	want := sceneOf(info)
	path := filepath.Join(t.TempDir(), "p.png")
	if err := want.Save(path, info, Options{}); err != nil {
		t.Fatal(err)
	}
	m, err := Open(path, Limits{MaxBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	same(t, m, want)
	for range 2 {
		if err := m.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	}
}

// TestUnsoundAncillary leaves out a chunk whose checksum is wrong.
func TestUnsoundAncillary(t *testing.T) {
	info := Info{Format: PNG, W: 4, H: 4, Depth: 8}
	info.Meta.EXIF = exifOf(1, 4, 4)
	data := encoded(t, sceneOf(info), info, Options{})
	at := bytes.Index(data, []byte("eXIf"))
	data[at+5]++
	m := decoded(t, data)
	if m.Meta.EXIF != nil {
		t.Error("an EXIF chunk with a wrong checksum was taken in")
	}
}
