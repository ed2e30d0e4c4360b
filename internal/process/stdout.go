package process

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"clusir/internal/userfile"
)

const stdoutName = "standard output"

// Stdout returns standard output; if it was closed, all writes fail.
func Stdout() io.Writer {
	if stdoutClosed() {
		return closed{}
	}
	return os.Stdout
}

// closed stands for a closed standard output, which Go replaces by /dev/null.
type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, os.ErrClosed }

// Output is standard output, and remembers a write error.
type Output struct {
	io.Writer
	Err error
}

func (o *Output) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if err != nil {
		reason := userfile.Reason(err)
		if o.Err == nil {
			o.Err = fmt.Errorf("cannot write %s: %w", stdoutName, reason)
		}
		err = &fs.PathError{Op: "write", Path: stdoutName, Err: reason}
	}
	return n, err
}

// Lost reports whether an error is that of a failed write, or there is one that a
// command did not check.
func (o *Output) Lost(err error) bool {
	at := new(fs.PathError)
	return o.Err != nil && (err == nil || errors.As(err, &at) && at.Path == stdoutName)
}

// Unread reports whether a write failed because nothing reads standard output any more,
// as when head has read enough.
func (o *Output) Unread() bool { return noReader(o.Err) }
