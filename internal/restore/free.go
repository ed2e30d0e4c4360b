package restore

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/shirou/gopsutil/v4/mem"
)

// Available is the memory in bytes that programs can still have: the system's,
// or what a container's limit leaves. It is 0 where nobody says.
func Available() int64 {
	free := int64(0)
	if v, err := mem.VirtualMemory(); err == nil {
		free = int64(v.Available)
	}
	for _, c := range cgroups {
		if left, ok := c.left("/"); ok && (free == 0 || left < free) {
			free = left
		}
	}
	return free
}

// cgroup names the files in which Linux holds a container's limit on memory and
// what is used of it, and the line of memory.stat that counts what would be
// given back: pages of files.
type cgroup struct{ limit, used, pages string }

var cgroups = []cgroup{
	{"sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory.current", "inactive_file"},
	{"sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory/memory.usage_in_bytes", "total_inactive_file"},
}

// left is what remains of the limit; not ok where there is none.
func (c cgroup) left(root string) (int64, bool) {
	limit, ok := number(filepath.Join(root, c.limit))
	used, ok2 := number(filepath.Join(root, c.used))
	if !ok || !ok2 || limit >= 1<<62 { // the older form's way of saying that there is no limit
		return 0, false
	}
	used -= stat(filepath.Join(root, filepath.Dir(c.limit), "memory.stat"), c.pages)
	return max(limit-max(used, 0), 0), true
}

// number reads a file that holds one number; "max" is none.
func number(path string) (int64, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}

// stat reads a line "name number" of a file, 0 if there is none.
func stat(path, name string) int64 {
	b, _ := os.ReadFile(path) // absent: nothing would be given back
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && key == name {
			n, _ := strconv.ParseInt(value, 10, 64)
			return n
		}
	}
	return 0
}
