package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"
)

// errHeld is lock's error if another process holds the lock.
const errHeld = windows.ERROR_LOCK_VIOLATION

// lockOffset is the offset of the byte that is locked: locks are mandatory on Windows,
// and no file is long enough for anybody to read it.
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

// open creates a file, or opens an existing one for reading, such that it may be
// renamed or removed while open, which os.OpenFile does not support.
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

// longPath returns a path in the form that allows more than 260 characters.
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

// rename retries for a while, because virus scanners and the like open new files and
// keep them from being replaced.
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

// keepOwner does nothing: the folder's rules determine the owner.
func keepOwner(*os.File, fs.FileInfo) {}

// syncDir does nothing: a folder cannot be flushed here.
func syncDir(string) error { return nil }

// CheckName refuses a path that Windows does not allow.
func CheckName(path string) error { return forbidden(path[len(filepath.VolumeName(path)):]) }
