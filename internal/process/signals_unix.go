//go:build unix

package process

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// ends maps the signals that end a command gracefully to the message to print.
var ends = map[syscall.Signal]string{
	syscall.SIGINT:  "interrupted",
	syscall.SIGTERM: "terminated",
	syscall.SIGHUP:  "the terminal was closed",
	syscall.SIGQUIT: "quit", // a second one prints the stacks, as any program's in Go
	syscall.SIGXCPU: "the limit on processor time is reached",
}

// unread receives the signals for a pipe without a reader and for a file longer than
// the user's limit. Writes report both as errors; without this, the signals would kill
// the process and leave an incomplete file.
var unread = make(chan os.Signal, 1)

func surviveWrites() { signal.Notify(unread, syscall.SIGPIPE, syscall.SIGXFSZ) }

// noReader reports whether a write failed because the pipe no longer has a reader.
func noReader(err error) bool { return errors.Is(err, syscall.EPIPE) }
