//go:build unix

package main

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// ends are the signals that end a command in good order, and what is said then.
var ends = map[syscall.Signal]string{
	syscall.SIGINT:  "interrupted",
	syscall.SIGTERM: "terminated",
	syscall.SIGHUP:  "the terminal was closed",
	syscall.SIGXCPU: "the limit on processor time is reached",
}

// unread receives what writes report as errors, too: that a pipe has no reader any
// more, and that a file is longer than the user's limit. Both would kill the process
// otherwise, with half a file left.
var unread = make(chan os.Signal, 1)

func surviveWrites() { signal.Notify(unread, syscall.SIGPIPE, syscall.SIGXFSZ) }

// noReader tells that a write failed because the pipe has no reader any more.
func noReader(err error) bool { return errors.Is(err, syscall.EPIPE) }
