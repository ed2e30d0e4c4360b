package bench

import (
	"bufio"
	"bytes"
	"os"
	"runtime/debug"
	"strconv"
)

// peakRSS is the most memory that the process has had, in bytes.
func peakRSS() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0 // unknown, and said so
	}
	return highWater(status)
}

// highWater reads VmHWM, in kB there.
func highWater(status []byte) int64 {
	for s := bufio.NewScanner(bytes.NewReader(status)); s.Scan(); {
		if rest, ok := bytes.CutPrefix(s.Bytes(), []byte("VmHWM:")); ok {
			kb, err := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte(" kB"))), 10, 64)
			if err != nil {
				return 0
			}
			return kb << 10
		}
	}
	return 0
}

// measured is set once something has been.
var measured bool

// resetPeakRSS begins to count anew, except for the first measurement, which
// answers for the start of the program too. Where the system refuses, the peak
// stays the largest of all so far.
func resetPeakRSS() {
	if measured {
		debug.FreeOSMemory()
		_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	}
	measured = true
}
