package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"
)

// errHeld is lock's error if another process has the lock.
const errHeld = windows.ERROR_LOCK_VIOLATION

// lockOffset is where the byte is that locks are of: locks are mandatory here, and no
// file is so long that anybody reads it.
const lockOffset = 1 << 30 // in units of 4 GiB

// lock takes the exclusive lock of a file, and waits for it if wait is set.
func lock(f *os.File, wait bool) error {
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return errors.ErrUnsupported
	}
	how := uint32(windows.LOCKFILE_EXCLUSIVE_LOCK)
	if !wait {
		how |= windows.LOCKFILE_FAIL_IMMEDIATELY
	}
	err := windows.LockFileEx(windows.Handle(f.Fd()), how, 0, 1, 0, &windows.Overlapped{OffsetHigh: lockOffset})
	if errors.Is(err, windows.ERROR_IO_PENDING) {
		return errHeld
	}
	return err
}

// open opens a file that may be renamed or removed meanwhile, which os.OpenFile does
// not allow. It creates one, or reads one that is there.
func open(name string, flag int, _ fs.FileMode) (*os.File, error) {
	long, err := longPath(name)
	if err != nil {
		return nil, err
	}
	access, disposition := uint32(windows.GENERIC_READ), uint32(windows.OPEN_EXISTING)
	if flag&os.O_CREATE != 0 {
		access, disposition = windows.GENERIC_READ|windows.GENERIC_WRITE, windows.CREATE_NEW
	}
	h, err := windows.CreateFile(long, access, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE,
		nil, disposition, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(h), name), nil
}

// longPath is a path in the form that may have more than 260 characters.
func longPath(name string) (*uint16, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	if len(abs) >= 2 && abs[1] == ':' {
		abs = `\\?\` + abs
	}
	return windows.UTF16PtrFromString(abs)
}

// rename waits a little for programs that look at every new file, which others must not
// replace meanwhile.
func rename(from, to string) (err error) {
	for wait := 5 * time.Millisecond; ; wait *= 2 {
		err = os.Rename(from, to)
		busy := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
		if !busy || wait > time.Second {
			return err
		}
		time.Sleep(wait)
	}
}

// keepOwner leaves the owner as the folder's rules have it.
func keepOwner(*os.File, fs.FileInfo) {}

// syncDir does nothing: a folder cannot be flushed here.
func syncDir(string) error { return nil }

// CheckName refuses a path that Windows cannot have.
func CheckName(path string) error { return forbidden(path[len(filepath.VolumeName(path)):]) }
