//go:build unix && !linux

package bench

import (
	"runtime"
	"syscall"
)

// peakRSS is the most memory that the process has had, in bytes.
func peakRSS() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(u.Maxrss)
	}
	return int64(u.Maxrss) << 10
}

// resetPeakRSS cannot: the peak stays the largest of all so far.
func resetPeakRSS() {}
