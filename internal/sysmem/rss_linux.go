package sysmem

import (
	"os"
	"runtime/debug"
)

// PeakRSS returns the process's peak memory in bytes, 0 if unknown.
func PeakRSS() int64 { return statusBytes("VmHWM") }

// RSS returns the process's current memory in bytes, 0 if unknown.
func RSS() int64 { return statusBytes("VmRSS") }

// statusBytes returns an amount in /proc/self/status in bytes, 0 if unknown.
func statusBytes(name string) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	bytes, _ := kilobytes(text, name)
	return bytes
}

// ResetPeakRSS returns freed memory to the system and resets PeakRSS. If the system
// refuses, the peak stays the largest so far.
func ResetPeakRSS() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}
