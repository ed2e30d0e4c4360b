package atomicfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"clusir/internal/userfile"
)

// Lines is a file of results that grows one line of JSON at a time. Anything after its
// last complete line is left from an interrupted write; [Lines.Cut] removes it.
type Lines struct{ *os.File }

// OpenLines opens a file and locks it for this process. Unless resume is set, an
// existing file is an error that names flag as the way to continue it.
func OpenLines(path string, resume bool, flag string) (*Lines, error) {
	flags := os.O_RDWR | os.O_CREATE
	if !resume {
		flags |= os.O_EXCL
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s exists: continue it with %s, or remove it", path, flag)
	} else if err != nil {
		return nil, &fileError{path, userfile.Reason(err)}
	}
	if err := Lock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Lines{f}, nil
}

// Cut truncates the file to its first end bytes and continues from there.
func (l *Lines) Cut(end int64) error {
	if err := l.Truncate(end); err != nil {
		return err
	}
	_, err := l.Seek(end, io.SeekStart)
	return err
}

// Begins reports whether a file begins with text. An empty file does, and so does a
// file that was cut off within text.
func Begins(f io.ReaderAt, text string) bool {
	got := make([]byte, len(text))
	n, err := f.ReadAt(got, 0)
	return (err == nil || errors.Is(err, io.EOF)) && string(got[:n]) == text[:n]
}

// FileBegins reports whether a file that is not empty begins with text; see Begins.
func FileBegins(path, text string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false // reading it will report why
	}
	defer f.Close()
	info, err := f.Stat()
	return err == nil && info.Size() > 0 && Begins(f, text)
}

// Add writes v as a line. If that fails, as on a full disk, it removes the incomplete
// line.
func (l *Lines) Add(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	n, err := l.Write(append(text, '\n'))
	if err == nil {
		return nil
	}
	if end, seekErr := l.Seek(int64(-n), io.SeekCurrent); seekErr == nil {
		_ = l.Truncate(end) // if that fails too, the next process to continue the file does it
	}
	return &fileError{l.Name(), userfile.Reason(err)}
}
