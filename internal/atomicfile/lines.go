package atomicfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Lines is a file of results that grows by a line of JSON at a time. What follows its
// last whole line was cut off in the middle of writing it; [Lines.Cut] removes that.
type Lines struct{ *os.File }

// OpenLines opens a file and locks it for this process. A file that exists is an error,
// which offers flag as what goes on with it, unless resume is set.
func OpenLines(path string, resume bool, flag string) (*Lines, error) {
	flags := os.O_RDWR | os.O_CREATE
	if !resume {
		flags |= os.O_EXCL
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s exists: go on with it by %s, or remove it", path, flag)
	} else if err != nil {
		return nil, err
	}
	if err := Lock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Lines{f}, nil
}

// Cut removes what follows the first end bytes and goes on from there.
func (l *Lines) Cut(end int64) error {
	if err := l.Truncate(end); err != nil {
		return err
	}
	_, err := l.Seek(end, io.SeekStart)
	return err
}

// Add writes v as a line.
func (l *Lines) Add(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if _, err := l.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("cannot write the results: %w", err)
	}
	return nil
}
