package progress

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestBar: the line shows what is under way and how much is done, and is empty when a
// message is printed.
func TestBar(t *testing.T) {
	var line bytes.Buffer
	b := &Bar{w: &line, unit: "images"}
	b.Clear() // before there is anything to remove
	b.Set(0, 3, "first\n.png")
	_ = b.bar.RenderBlank() // a buffer takes everything
	for _, want := range []string{`first\n.png`, "images/", "(0/3"} {
		if !strings.Contains(line.String(), want) {
			t.Errorf("the line lacks %q: %q", want, line.String())
		}
	}
	var each sync.WaitGroup
	for range 2 {
		each.Go(func() { b.Set(2, 3, "second.png") })
	}
	each.Wait()
	if got := b.bar.State().CurrentNum; got != 2 {
		t.Errorf("%d are done, want 2", got)
	}
	if b.Clear(); !strings.HasSuffix(line.String(), "\r") {
		t.Errorf("the line is not cleared: %q", line.String())
	}
	b.Set(3, 3, "third.png")
	if !b.bar.IsFinished() || !strings.HasSuffix(line.String(), "\r") {
		t.Errorf("the bar stays when all is done: %q", line.String())
	}
	if b.Set(1, 2, "next"); b.bar.IsFinished() || b.bar.GetMax() != 2 {
		t.Error("there is no second bar after the first")
	}
}

// TestShares: a share is shown in percent, and 1 ends the bar.
func TestShares(t *testing.T) {
	var line bytes.Buffer
	b := &Bar{w: &line}
	for _, share := range []float64{0, 0.257} {
		b.SetShare(share, "photo.png")
	}
	if got := line.String(); !strings.Contains(got, "photo.png") || !strings.Contains(got, "0%") || strings.Contains(got, "/1000") {
		t.Errorf("the line is %q", got)
	}
	if got := b.bar.State().CurrentNum; got != 257 {
		t.Errorf("%d thousandths are done, want 257", got)
	}
	if b.SetShare(1, "photo.png"); !b.bar.IsFinished() || !strings.HasSuffix(line.String(), "\r") {
		t.Errorf("the bar stays when all is done: %q", line.String())
	}
	var none *Bar
	none.SetShare(0.5, "text")
}

// TestSilent: files and pipes get no bar, and a nil bar accepts all calls.
func TestSilent(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "errors.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b := New(f, "images"); b != nil {
		t.Error("a file gets a bar")
	}
	if b := New(&bytes.Buffer{}, "images"); b != nil {
		t.Error("a buffer gets a bar")
	}
	var none *Bar
	none.Set(1, 2, "text")
	none.Clear()
}
