package sysmem

import (
	"os"
	"runtime/debug"
)

// PeakRSS returns the process's peak memory in bytes, 0 if unknown.
func PeakRSS() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	peak, _ := kilobytes(status, "VmHWM")
	return peak
}

// RSS returns the process's current memory in bytes, 0 if unknown.
func RSS() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	now, _ := kilobytes(status, "VmRSS")
	return now
}

// ResetPeakRSS returns freed memory to the system and resets PeakRSS. If the system
// refuses, the peak stays the largest so far.
func ResetPeakRSS() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}
