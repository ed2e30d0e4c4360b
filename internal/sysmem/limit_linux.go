package sysmem

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// userLimit returns what is left of the user's limits on the process's address space
// and data (ulimit -v and -d); not ok if there are none.
func userLimit() (smallest int64, ok bool) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	for _, l := range []struct {
		resource int
		used     string
	}{{syscall.RLIMIT_AS, "VmSize"}, {syscall.RLIMIT_DATA, "VmData"}} {
		var limit syscall.Rlimit
		if syscall.Getrlimit(l.resource, &limit) != nil || limit.Cur >= 1<<62 {
			continue
		}
		used, _ := kilobytes(status, l.used)
		if left := max(int64(limit.Cur)-used, 0); !ok || left < smallest {
			smallest, ok = left, true
		}
	}
	return smallest, ok
}

// kilobytes parses a line of /proc/self/status such as "VmHWM:   13644 kB" and returns
// bytes.
func kilobytes(status []byte, name string) (int64, bool) {
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10, err == nil
		}
	}
	return 0, false
}
