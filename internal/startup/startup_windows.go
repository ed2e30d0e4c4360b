package startup

// StdoutClosed reports whether the process was started without standard output. On
// Windows writing to it fails, so nothing needs to be checked here.
func StdoutClosed() bool { return false }
