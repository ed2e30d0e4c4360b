package imageio

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProbe compares what a header says with what decoding gives.
func TestProbe(t *testing.T) {
	paths, err := filepath.Glob("testdata/*_*.[^e]*")
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d fixtures: %v", len(paths), err)
	}
	for _, k := range pngKinds() {
		for _, laced := range []bool{false, true} {
			path := filepath.Join(t.TempDir(), "kind.png")
			if err := os.WriteFile(path, rawPNG(k, 16, 8, laced), 0o600); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
	}
	for _, path := range paths {
		p, err := ProbeFile(path, Limits{})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		m, err := Open(path, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if p.Format != m.Format || p.W != m.W || p.H != m.H || p.Depth != m.Depth || p.Grey != m.Grey || p.Alpha != m.Alpha {
			t.Errorf("%s: probed %+v, decoded %+v", path, p, m.Info)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if read, err := ProbeReader(bytes.NewReader(data), path, Limits{}); err != nil || read != p {
			t.Errorf("%s: probed %+v as a file, %+v, %v as data", path, p, read, err)
		}
		held := rasterBytes(m.src)
		if p.Bytes < held*8/10 || p.Bytes > 6*held {
			t.Errorf("%s: %d bytes were announced, %d are held", path, p.Bytes, held)
		}
		strips, err := Open(path, Limits{MaxBytes: 1})
		if err != nil {
			t.Fatal(err)
		}
		if strips.streamed() != p.Streams {
			t.Errorf("%s: streams %v, announced %v", path, strips.streamed(), p.Streams)
		}
		if err := strips.Close(); err != nil {
			t.Error(err)
		}
	}
}

// rasterBytes returns the memory that a decoded picture's pixels take.
func rasterBytes(r raster) int64 {
	switch s := r.(type) {
	case *packed:
		return int64(len(s.pix))
	case *chroma:
		n := 0
		for _, c := range s.comps {
			n += len(c.plane)
		}
		return int64(n)
	case *vp8:
		return int64(s.Rect.Dx()*s.Rect.Dy()*3/2 + len(s.alpha))
	}
	return 0
}

func TestProbeRefuses(t *testing.T) {
	folder := t.TempDir()
	for name, c := range badFiles(t) {
		path := filepath.Join(folder, "x")
		if err := os.WriteFile(path, []byte(c[0]), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ProbeFile(path, Limits{})
		_, openErr := Open(path, Limits{})
		if err != nil && err.Error() != openErr.Error() && !strings.Contains(name, "JPEG") {
			t.Errorf("%s: probing says %q, opening %q", name, err, openErr)
		}
	}
	for path, want := range map[string]string{folder: "is a folder", filepath.Join(folder, "no"): "no such file"} {
		if _, err := ProbeFile(path, Limits{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := ProbeFile("testdata/jpeg_420.jpg", Limits{MaxPixels: 10}); err == nil || !strings.HasSuffix(err.Error(), "more than the limit of 10 pixels") { // train and eval have no flag for more
		t.Errorf("got %v", err)
	}
}
