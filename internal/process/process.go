//go:build unix

// Package process is about the process and the shell that started it: signals that end
// it, and a standard output that is closed, full or no longer read.
//
// Part of it runs before Go's runtime, which hides some of what there is to find: the
// runtime opens /dev/null in place of a closed standard output, and ends with a stack
// trace if it cannot reserve the address space that it needs.
package process

// #include "startup.h"
import "C"

// stdoutClosed reports whether the process was started without standard output (>&-).
func stdoutClosed() bool { return C.clusir_stdout_closed != 0 }
