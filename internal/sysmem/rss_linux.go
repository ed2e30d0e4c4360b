package sysmem

import (
	"os"
	"runtime/debug"
)

// PeakRSS is the most memory that the process has had, in bytes, 0 if that is not
// known.
func PeakRSS() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	peak, _ := kilobytes(status, "VmHWM")
	return peak
}

// RSS is the memory that the process has now, in bytes, 0 if that is not known.
func RSS() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	now, _ := kilobytes(status, "VmRSS")
	return now
}

// ResetPeakRSS gives freed memory back and makes PeakRSS count anew. If the system
// refuses, it stays the largest of all so far.
func ResetPeakRSS() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}
