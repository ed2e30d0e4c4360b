//go:build unix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// errHeld is lock's error if another process holds the lock.
const errHeld = syscall.EWOULDBLOCK

// lock takes the exclusive lock of a file, and waits for it if wait is set.
func lock(f *os.File, wait bool) error {
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	for {
		if err := syscall.Flock(int(f.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// open opens a file that may be renamed or removed while open.
func open(name string, flag int, mode fs.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag, mode)
}

func rename(from, to string) error { return os.Rename(from, to) }

// keepOwner gives f the owner of the old file, if possible.
func keepOwner(f *os.File, old fs.FileInfo) {
	if s, ok := old.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(s.Uid), int(s.Gid)) // only root may give files away
	}
}

// syncDir makes a rename survive a power failure.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// CheckName refuses a path that Windows does not allow; Unix allows all.
func CheckName(string) error { return nil }
