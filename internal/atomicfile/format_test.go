package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clusir/internal/userfile"
)

var numbers = Format{Name: "list of numbers", Start: `{"n":`}

type number struct {
	N int `json:"n"`
}

// TestOpen opens files of all kinds as a list of numbers, without and with resume.
func TestOpen(t *testing.T) {
	const one, two = "{\"n\":1}\n", "{\"n\":2}\n"
	for _, c := range []struct {
		name, content  string
		fresh, resumed string // part of the error, "" for none
		lines          int    // read with resume
		kept           string // then
	}{
		{"empty", "", "exists: continue it with --resume, or remove it", "", 0, ""},
		{"whole", one + two, "exists: continue it with --resume, or remove it", "", 2, one + two},
		{"torn", one + `{"n":`, "exists: continue it with --resume, or remove it", "", 1, one},
		{"another line at the end", one + "{\"m\":2}\n", "exists: continue it with --resume, or remove it", "line 2: no number", 1, one + "{\"m\":2}\n"},
		{"cut in its start", `{"n`, "exists: continue it with --resume, or remove it", "", 0, ""},
		{"foreign", "a letter\nof two lines", "exists, and is no list of numbers: choose another name", "no number", 0, "a letter\nof two lines"},
		{"UTF-8 with a mark", "\xef\xbb\xbf" + one, "exists, and is no list of numbers: choose another name", "it begins with a byte order mark: save it as UTF-8 without one", 0, "\xef\xbb\xbf" + one},
		{"UTF-16", "\xff\xfe{\x00", "exists, and is no list of numbers: choose another name", "it begins with a byte order mark", 0, "\xff\xfe{\x00"},
		{"foreign without an end of line", "a letter", "exists, and is no list of numbers: choose another name", "not a list of numbers; name another file", 0, "a letter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "numbers")
			if err := os.WriteFile(path, []byte(c.content), 0o666); err != nil {
				t.Fatal(err)
			}
			lines := 0
			count := func(n int, line []byte) error {
				if lines++; n != lines {
					t.Errorf("line %d is called %d", lines, n)
				}
				if !strings.HasPrefix(string(line), numbers.Start) {
					return errors.New("no number")
				}
				return nil
			}
			check := func(resume bool, want string) *Lines {
				f, err := numbers.Open(path, resume, "--resume", count)
				if (err != nil) != (want != "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path)) {
					t.Fatalf("resume %v: %v, want %q", resume, err, want)
				}
				return f
			}
			holds := func(want string) {
				if got, _ := os.ReadFile(path); string(got) != want {
					t.Errorf("it holds %q, want %q", got, want)
				}
			}
			check(false, c.fresh)
			holds(c.content)
			f := check(true, c.resumed)
			holds(c.kept)
			if f == nil {
				return
			}
			defer f.Close()
			if lines != c.lines {
				t.Errorf("%d lines, want %d", lines, c.lines)
			}
			if err := f.Add(number{3}); err != nil {
				t.Error(err)
			}
			holds(c.kept + "{\"n\":3}\n")
		})
	}
}

// TestOpenFolder: a folder in the place of a file is not to be removed or continued.
func TestOpenFolder(t *testing.T) {
	for _, resume := range []bool{false, true} {
		if _, err := numbers.Open(t.TempDir(), resume, "--resume", nil); !errors.Is(err, userfile.ErrFolder) || strings.Contains(err.Error(), "remove it") {
			t.Errorf("resume %v: %v", resume, err)
		}
	}
}

// TestOpenDevice: a pipe, whose reading could wait forever, and a device are refused.
func TestOpenDevice(t *testing.T) {
	for _, resume := range []bool{false, true} {
		if _, err := numbers.Open(os.DevNull, resume, "--resume", nil); !errors.Is(err, errDevice) {
			t.Errorf("resume %v: %v", resume, err)
		}
	}
}

// TestOpenNewFile makes a file, and locks it against others.
func TestOpenNewFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "numbers")
	none := func(int, []byte) error { t.Error("a new file has a line"); return nil }
	f, err := numbers.Open(path, false, "--resume", none)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if other, err := numbers.Open(path, true, "--resume", none); err == nil {
		_ = other.Close()
		t.Error("two have it open")
	}
	if _, err := numbers.Open(filepath.Join(path, "below"), false, "--resume", none); err == nil || !strings.Contains(err.Error(), "cannot write") {
		t.Errorf("below a file: %v", err)
	}
}

// TestIs tells the format's files from others.
func TestIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "numbers")
	if numbers.Is(path) {
		t.Error("a file that is not there")
	}
	for content, want := range map[string]bool{"": false, "{\"n\":1}\n": true, `{"n`: true, "n": false} {
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		if got := numbers.Is(path); got != want {
			t.Errorf("%q: %v", content, got)
		}
	}
}
