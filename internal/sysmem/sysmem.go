// Package sysmem reports how much memory the process may use, and how much it has used.
package sysmem

import (
	"github.com/shirou/gopsutil/v4/mem"
)

// Available returns the memory in bytes that the process may still use: the system's,
// or what is left of its limits: those of its control group and the group's parents,
// and the user's (ulimit -v and -d). It is 0 if none of them is known.
func Available() int64 {
	free := int64(0)
	if v, err := mem.VirtualMemory(); err == nil {
		free = int64(v.Available)
	}
	for _, left := range []func() (int64, bool){func() (int64, bool) { return groupsLeft("/") }, userLimit} {
		if n, ok := left(); ok && (free == 0 || n < free) {
			free = max(n, 1)
		}
	}
	return free
}
