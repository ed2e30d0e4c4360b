package main

import (
	"errors"
	"syscall"

	"golang.org/x/sys/windows"
)

// ends are the events that end a command in good order, and what is said then: Ctrl+C
// and Ctrl+Break are the first, a closed window and the end of a session the second.
var ends = map[syscall.Signal]string{
	syscall.SIGINT:  "interrupted",
	syscall.SIGTERM: "terminated",
}

// surviveWrites has nothing to do: what a write meets is an error here.
func surviveWrites() {}

// noReader tells that a write failed because the pipe has no reader any more.
func noReader(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}
