package restore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Misuse is a mistake that the command line shows by itself, whatever the files
// hold.
type Misuse struct{ error }

// Unwrap returns what is wrong.
func (m Misuse) Unwrap() error { return m.error }

func misuse(format string, a ...any) error { return Misuse{fmt.Errorf(format, a...)} }

// reason is what an error of the file system says beside the path.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}
