package atomicfile

import (
	"errors"
	"fmt"
	"os"
)

// ErrLocked is the error of [Lock] if another process holds the lock.
var ErrLocked = errors.New("another run is writing to it; wait for its end, or name another one")

// Lock takes the exclusive lock of an open file or folder and holds it until f is
// closed or the process ends. The error is [ErrLocked] if another process holds it. On
// Windows, which cannot lock folders, locking one does nothing.
func Lock(f *os.File) error {
	switch err := lock(f, false); {
	case err == nil:
		return nil
	case errors.Is(err, errHeld):
		return fmt.Errorf("%s: %w", f.Name(), ErrLocked)
	case errors.Is(err, errors.ErrUnsupported):
		return nil // a file system without locks: there is nothing to wait for
	default:
		return fmt.Errorf("cannot lock %s: %w", f.Name(), err)
	}
}
