package sysmem

import (
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// hierarchy is one of the two versions of Linux's control groups: the files with a
// group's memory limits and use, and the line of memory.stat that counts reclaimable
// memory, the pages of files.
type hierarchy struct {
	limits []string
	used   string
	pages  string
}

var (
	version2 = hierarchy{[]string{"memory.max", "memory.high"}, "memory.current", "inactive_file"}
	version1 = hierarchy{[]string{"memory.limit_in_bytes"}, "memory.usage_in_bytes", "total_inactive_file"}
)

// groupsLeft returns what is left of the smallest of the limits of the process's group
// and its parents, whose files are below root; not ok if there is none.
func groupsLeft(root string) (smallest int64, ok bool) {
	for _, m := range mounts(root) {
		for dir := m.group(root); ; dir = path.Dir(dir) {
			if left, limited := m.left(filepath.Join(root, m.point, dir)); limited && (!ok || left < smallest) {
				smallest, ok = left, true
			}
			if dir == "/" {
				break
			}
		}
	}
	return smallest, ok
}

// mount is where a hierarchy is visible.
type mount struct {
	hierarchy
	root  string // the group that is at point; not / in a container
	point string
}

// mounts finds the mounts of hierarchies that limit memory: fields 4 and 5 of a line of
// mountinfo are the root and the point, and after a - come the type of the file system,
// the device and the options.
func mounts(root string) (found []mount) {
	text, _ := os.ReadFile(filepath.Join(root, "proc/self/mountinfo")) // absent: there are no groups
	for line := range strings.Lines(string(text)) {
		place, kind, _ := strings.Cut(line, " - ")
		fields, how := strings.Fields(place), strings.Fields(kind)
		if len(fields) < 5 || len(how) < 3 {
			continue
		}
		m := mount{root: fields[3], point: fields[4]}
		switch {
		case how[0] == "cgroup2":
			m.hierarchy = version2
		case how[0] == "cgroup" && strings.Contains(","+how[2]+",", ",memory,"):
			m.hierarchy = version1
		default:
			continue
		}
		found = append(found, m)
	}
	return found
}

// group returns the process's group, as a path relative to the mount's point. Lines of
// the file are "number:controllers:path", without controllers in version 2.
func (m mount) group(root string) string {
	text, _ := os.ReadFile(filepath.Join(root, "proc/self/cgroup")) // absent: only the root's limit is known
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) < 3 {
			continue
		}
		memory := strings.Contains(","+fields[1]+",", ",memory,")
		if v2 := fields[1] == "" && m.used == version2.used; !v2 && !(memory && m.used == version1.used) {
			continue
		}
		// The mount may show only a part of the tree, with the group outside it.
		below, within := strings.CutPrefix(fields[2]+"/", strings.TrimSuffix(m.root, "/")+"/")
		if !within || strings.HasPrefix(fields[2], "/..") {
			return "/"
		}
		return path.Clean("/" + below)
	}
	return "/"
}

// left returns what is left of the smallest limit of the group in a folder; not ok if
// it has none.
func (h hierarchy) left(dir string) (smallest int64, ok bool) {
	used, known := number(filepath.Join(dir, h.used))
	if !known {
		return 0, false
	}
	used -= stat(filepath.Join(dir, "memory.stat"), h.pages)
	for _, name := range h.limits {
		limit, limited := number(filepath.Join(dir, name))
		if !limited || limit >= 1<<62 { // version 1's way of saying that there is none
			continue
		}
		if left := max(limit-max(used, 0), 0); !ok || left < smallest {
			smallest, ok = left, true
		}
	}
	return smallest, ok
}

// number reads a file that holds one number; "max" means none.
func number(path string) (int64, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}

// stat returns the number that follows a name in a line of a file, 0 if there is none.
func stat(path, name string) int64 {
	b, _ := os.ReadFile(path) // absent: there is none
	for line := range strings.Lines(string(b)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			n, _ := strconv.ParseInt(words[1], 10, 64)
			return n
		}
	}
	return 0
}
