//go:build unix && !linux

package sysmem

import (
	"runtime"
	"syscall"
)

// PeakRSS returns the process's peak memory in bytes, 0 if unknown.
func PeakRSS() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(u.Maxrss)
	}
	return int64(u.Maxrss) << 10
}
