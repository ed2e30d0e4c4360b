// Package sysmem says how much memory the process can have, and how much it has had.
package sysmem

import (
	"github.com/shirou/gopsutil/v4/mem"
)

// Available is the memory in bytes that the process can still have: the system's, or
// what is left of the limits on it: those of its control group and of all that the
// group is in, and the user's (ulimit -v and -d). It is 0 if none of them is known.
func Available() int64 {
	free := int64(0)
	if v, err := mem.VirtualMemory(); err == nil {
		free = int64(v.Available)
	}
	for _, left := range []func() (int64, bool){groups, UserLimit} {
		if n, ok := left(); ok && (free == 0 || n < free) {
			free = max(n, 1)
		}
	}
	return free
}

func groups() (int64, bool) { return groupsLeft("/") }
