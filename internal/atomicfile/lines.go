package atomicfile

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"clusir/internal/userfile"
)

// Format is a kind of file that grows one line of JSON at a time.
type Format struct {
	Name  string // such as "training log"
	Start string // how every such file begins
}

// Is reports whether a file that is not empty begins as the format does. It does not open
// pipes, which can be read once.
func (f Format) Is(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Size() == 0 || !info.Mode().IsRegular() {
		return false // reading it will report why
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	return begins(file, f.Start)
}

// Read calls take for each line of a file; see [ReadLines].
func (f Format) Read(path string, take func(n int, line []byte) error) error {
	file, err := userfile.Open(path)
	if err != nil {
		return fmt.Errorf("%w: name a %s", err, f.Name)
	}
	defer file.Close()
	_, err = f.read(file, take)
	return err
}

func (f Format) read(file *os.File, take func(n int, line []byte) error) (end int64, err error) {
	if marked(file) {
		err = errors.New("it begins with a byte order mark: save it as UTF-8 without one")
	} else {
		end, err = ReadLines(file, take)
	}
	if err == nil && end == 0 && !begins(file, f.Start) {
		err = fmt.Errorf("not a %s; name another file", f.Name)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", file.Name(), err)
	}
	return end, err
}

// ErrEnough is what take returns to leave out a line and all that follow.
var ErrEnough = errors.New("enough lines")

// ReadLines calls take for each line, the first of which is 1, and returns where the last
// one that it took ends. A last line that is incomplete, or no JSON, is left from an
// interrupted write and left out. An error of take ends the reading; it is returned with
// the line's number, except for the first line.
func ReadLines(r io.Reader, take func(n int, line []byte) error) (end int64, err error) {
	in := bufio.NewReader(r)
	var torn error // of the line before, if that was no JSON
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF):
			return end, nil
		case err != nil:
			return 0, err
		case torn != nil:
			return 0, torn // it is not the last line, so it is damage
		}
		switch err := take(n, line); {
		case err == nil:
			end += int64(len(line))
		case errors.Is(err, ErrEnough):
			return end, nil
		case n == 1:
			return 0, err
		case json.Valid(line):
			return 0, fmt.Errorf("line %d: %w", n, err)
		default:
			torn = fmt.Errorf("line %d: %w", n, err)
		}
	}
}

// errDevice is the reason why lines cannot be added to what is neither a file nor a folder.
var errDevice = errors.New("it is a device or a pipe, and the file is read as well: choose another name")

// Lines is a file to which lines are added.
type Lines struct{ *os.File }

// Open opens a file, locks it for this process and reads its lines, as [ReadLines] does;
// what is added follows those that take took, and the rest is removed. Unless resume is
// set, an existing file is an error that names flag as the way to continue it.
func (f Format) Open(path string, resume bool, flag string, take func(n int, line []byte) error) (*Lines, error) {
	flags := os.O_RDWR | os.O_CREATE
	if !resume {
		flags |= os.O_EXCL
	}
	info, statErr := os.Stat(path)
	if statErr == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return nil, &fileError{path, errDevice} // reading a pipe could wait forever
	}
	file, err := os.OpenFile(path, flags, 0o644)
	switch {
	case err == nil:
	case statErr == nil && info.IsDir():
		return nil, &fileError{path, userfile.ErrFolder}
	case errors.Is(err, fs.ErrExist) && statErr == nil && info.Size() > 0 && !f.Is(path):
		return nil, fmt.Errorf("%s exists, and is no %s: choose another name", userfile.OneLine(path), f.Name)
	case errors.Is(err, fs.ErrExist):
		return nil, fmt.Errorf("%s exists: continue it with %s, or remove it", userfile.OneLine(path), flag)
	default:
		return nil, &fileError{path, userfile.Reason(err)}
	}
	if err = Lock(file); err == nil {
		var end int64
		if end, err = f.read(file, take); err == nil {
			_, seekErr := file.Seek(end, io.SeekStart)
			err = errors.Join(file.Truncate(end), seekErr)
		}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Lines{file}, nil
}

// begins reports whether a file begins with text. An empty file does, and so does a
// file that was cut off within text.
func begins(f io.ReaderAt, text string) bool {
	got := make([]byte, len(text))
	n, err := f.ReadAt(got, 0)
	return (err == nil || errors.Is(err, io.EOF)) && string(got[:n]) == text[:n]
}

// marked reports whether a file begins with a byte order mark, of UTF-8 or UTF-16, as
// PowerShell and some editors write.
func marked(f io.ReaderAt) bool {
	start := make([]byte, 3)
	n, _ := f.ReadAt(start, 0) // reading the lines reports the error
	text := string(start[:n])
	return strings.HasPrefix(text, "\xef\xbb\xbf") || strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff")
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
