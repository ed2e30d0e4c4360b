package imageio

import (
	"bytes"
	"errors"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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

// TestEveryTruncation cuts files off at every byte: each is refused, or complete except
// for what follows the picture.
func TestEveryTruncation(t *testing.T) {
	for _, f := range Formats {
		info := Info{Format: f, W: 9, H: 9, Depth: 8}
		if f == PNG || f == JPEG || f == WebP { // in a TIFF it follows the picture
			info.Meta.EXIF = exifOf(1, 9, 9)
		}
		data := encoded(t, sceneOf(info), info, Options{})
		decoded(t, data)
		whole := len(data) - 4
		if f == PNG {
			whole = bytes.Index(data, []byte("IEND")) - 4 // which may be missing
		}
		for n := range whole {
			if _, err := Decode(bytes.NewReader(data[:n]), "test", Limits{}); err == nil {
				t.Errorf("%v: %d of %d bytes are read as a picture", f, n, len(data))
			}
		}
	}
}

// TestLateDamage reads a streamed picture whose end is missing: the first rows can be
// read and the last cannot, and the error is repeatable.
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

// TestUnsoundAncillary: a chunk with a wrong checksum is left out.
func TestUnsoundAncillary(t *testing.T) {
	info := Info{Format: PNG, W: 4, H: 4, Depth: 8}
	info.Meta.EXIF = exifOf(1, 4, 4)
	data := encoded(t, sceneOf(info), info, Options{})
	at := bytes.Index(data, []byte("eXIf"))
	data[at+5]++
	m := decoded(t, data)
	if m.Meta.EXIF != nil {
		t.Error("an EXIF chunk with a wrong checksum was accepted")
	}
}
