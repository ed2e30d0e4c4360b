package process

import (
	"errors"
	"syscall"

	"golang.org/x/sys/windows"
)

// ends maps the events that end a command gracefully to the message to print. Ctrl+C
// and Ctrl+Break are the first; a closed window and the end of a session are the
// second.
var ends = map[syscall.Signal]string{
	syscall.SIGINT:  "interrupted",
	syscall.SIGTERM: "terminated",
}

// surviveWrites does nothing: failed writes are always errors on Windows.
func surviveWrites() {}

// noReader reports whether a write failed because the pipe no longer has a reader.
func noReader(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}
