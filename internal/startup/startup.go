//go:build unix

// Package startup inspects the process before Go's runtime starts, which hides some of
// what it finds: the runtime opens /dev/null in place of a closed standard output, and
// ends with a stack trace if it cannot reserve the address space that it needs.
package startup

// #include "startup.h"
import "C"

// StdoutClosed reports whether the process was started without standard output (>&-).
func StdoutClosed() bool { return C.clusir_stdout_closed != 0 }
