package dataset

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestRoom: a small file of a large picture is refused by name, from its header.
func TestRoom(t *testing.T) {
	var data bytes.Buffer
	if err := png.Encode(&data, image.NewGray(image.Rect(0, 0, 4000, 2500))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "large.png")
	// Cut off after the header: decoding it would find it damaged.
	if err := os.WriteFile(path, data.Bytes()[:60], 0o644); err != nil {
		t.Fatal(err)
	}
	const pairBytes, plenty = 4000 * 2500 * 16, 1 << 30
	for free, refused := range map[int64]bool{0: false, 1: true, pairBytes: false, pairBytes - 1: true, plenty: false} {
		_, err := newRoom(func() int64 { return free }).take(path)
		if (err != nil) != refused || refused && !strings.HasPrefix(err.Error(), path+" is 4000×2500: reading it takes about 160 MB") {
			t.Errorf("with %d bytes: %v", free, err)
		}
	}
	if _, _, n, err := (Item{Target: path, Input: path}).Size(); err != nil || n != 2*pairBytes {
		t.Errorf("a pair takes %d bytes, %v; want %d", n, err, 2*pairBytes)
	}
}

// TestRoomIsShared: only as many pictures are decoded in parallel as fit together, and
// all are read in the end.
func TestRoomIsShared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, image.NewGray(image.Rect(0, 0, 10000, 10000))), f.Close()); err != nil {
		t.Fatal(err)
	}
	const each, fit, workers = 10000 * 10000 * 16, 3, 8
	r := newRoom(func() int64 { return fit*each + each/2 })
	var now, largest, done atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			n, err := r.take(path)
			if err != nil || n != each {
				t.Errorf("%d bytes, %v", n, err)
				return
			}
			k := now.Add(1)
			for m := largest.Load(); k > m && !largest.CompareAndSwap(m, k); m = largest.Load() {
			}
			time.Sleep(5 * time.Millisecond)
			now.Add(-1)
			done.Add(1)
			r.release(n)
		})
	}
	all.Wait()
	if largest.Load() > fit || largest.Load() < 2 || done.Load() != workers || r.used != 0 || r.count != 0 {
		t.Errorf("%d at a time, %d in all, %d bytes are left taken", largest.Load(), done.Load(), r.used)
	}
}
