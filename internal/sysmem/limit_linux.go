package sysmem

import "syscall"

// userLimit returns what is left of the user's limits on the process's address space
// and data (ulimit -v and -d); not ok if there are none.
func userLimit() (smallest int64, ok bool) {
	for _, l := range []struct {
		resource int
		used     string
	}{{syscall.RLIMIT_AS, "VmSize:"}, {syscall.RLIMIT_DATA, "VmData:"}} {
		var limit syscall.Rlimit
		if syscall.Getrlimit(l.resource, &limit) != nil || limit.Cur >= 1<<62 {
			continue
		}
		if left := max(int64(limit.Cur)-status(l.used), 0); !ok || left < smallest {
			smallest, ok = left, true
		}
	}
	return smallest, ok
}
