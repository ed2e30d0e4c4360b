package sysmem

import (
	"os"
	"runtime/debug"
)

// PeakRSS returns the process's peak memory in bytes, 0 if unknown.
func PeakRSS() int64 { return status("VmHWM:") }

// RSS returns the process's current memory in bytes, 0 if unknown.
func RSS() int64 { return status("VmRSS:") }

// status returns an amount in kB in /proc/self/status in bytes, 0 if unknown.
func status(name string) int64 { return stat("/proc/self/status", name) << 10 }

// ResetPeakRSS returns freed memory to the system and resets PeakRSS. If the system
// refuses, the peak stays the largest so far.
func ResetPeakRSS() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}
