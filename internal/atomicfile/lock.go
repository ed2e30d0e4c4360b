//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Lock takes the exclusive lock of an open file or folder, which no two
// processes have at a time: it ends when f is closed, or with the process. The
// error is [ErrLocked] if another has it.
func Lock(f *os.File) error {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return fmt.Errorf("%s: %w", f.Name(), ErrLocked)
		case errors.Is(err, errors.ErrUnsupported):
			return nil // a file system without locks: there is nothing to wait for
		default:
			return fmt.Errorf("cannot lock %s: %w", f.Name(), err)
		}
	}
}
