//go:build unix

// Package startup looks at the process before Go's runtime does, which hides some of
// what it finds: it opens /dev/null in place of standard output that is closed, and
// ends with a trace of its own insides if it cannot reserve the addresses that it needs.
package startup

// #include "startup.h"
import "C"

// StdoutClosed reports whether the process was started without standard output (>&-).
func StdoutClosed() bool { return C.clusir_stdout_closed != 0 }
