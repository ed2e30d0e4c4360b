package dataset

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRoom: a small file of a large picture is refused by its header, by name.
func TestRoom(t *testing.T) {
	var data bytes.Buffer
	if err := png.Encode(&data, image.NewGray(image.Rect(0, 0, 4000, 2500))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "large.png")
	// Cut behind the header: whoever decodes it finds it damaged.
	if err := os.WriteFile(path, data.Bytes()[:60], 0o644); err != nil {
		t.Fatal(err)
	}
	const least, ample = 4000 * 2500 * 16, 1 << 30
	for free, refused := range map[int64]bool{0: false, 1: true, least: false, least - 1: true, ample: false} {
		err := checkRoom(path, func() int64 { return free })
		if (err != nil) != refused || refused && !strings.HasPrefix(err.Error(), path+" is 4000×2500: reading it takes about 160 MB") {
			t.Errorf("with %d bytes: %v", free, err)
		}
	}
	if _, _, n, err := (Item{Target: path, Input: path}).Size(); err != nil || n != 2*least {
		t.Errorf("a pair takes %d bytes, %v; want %d", n, err, 2*least)
	}
}
