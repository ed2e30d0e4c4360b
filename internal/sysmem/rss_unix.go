//go:build unix && !linux

package sysmem

import (
	"runtime"
	"syscall"
)

// PeakRSS is the most memory that the process has had, in bytes, 0 if that is not
// known.
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

// RSS is not known here.
func RSS() int64 { return 0 }

// ResetPeakRSS cannot: the peak stays the largest of all so far.
func ResetPeakRSS() {}
