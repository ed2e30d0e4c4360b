package sysmem

import (
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// hierarchy is one of the two forms of Linux's control groups: the files in which it
// holds a group's limits on memory and what is used of them, and the line of
// memory.stat that counts what would be given back, the pages of files.
type hierarchy struct {
	limits []string
	used   string
	pages  string
}

var (
	version2 = hierarchy{[]string{"memory.max", "memory.high"}, "memory.current", "inactive_file"}
	version1 = hierarchy{[]string{"memory.limit_in_bytes"}, "memory.usage_in_bytes", "total_inactive_file"}
)

// groupsLeft is what remains of the least of the limits of the process's group and of
// the groups around it, whose files are below root; not ok if there is none.
func groupsLeft(root string) (least int64, ok bool) {
	for _, m := range mounts(root) {
		for dir := m.group(root); ; dir = path.Dir(dir) {
			if left, limited := m.left(filepath.Join(root, m.point, dir)); limited && (!ok || left < least) {
				least, ok = left, true
			}
			if dir == "/" {
				break
			}
		}
	}
	return least, ok
}

// mount is where a hierarchy can be seen.
type mount struct {
	hierarchy
	root  string // the group that is at point; another than / in a container
	point string
}

// mounts reads the places of hierarchies that limit memory: fields 4 and 5 of a line
// of mountinfo are the root and the point, and behind a - come the type of the file
// system, the device and the options.
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

// group is the process's group, as a path from the mount's point. Lines of the file
// are "number:controllers:path", with none of the controllers in version 2.
func (m mount) group(root string) string {
	text, _ := os.ReadFile(filepath.Join(root, "proc/self/cgroup")) // absent: the root's limit is all that is known
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) < 3 {
			continue
		}
		memory := strings.Contains(","+fields[1]+",", ",memory,")
		if v2 := fields[1] == "" && m.used == version2.used; !v2 && !(memory && m.used == version1.used) {
			continue
		}
		// What is mounted may be a part of the tree, and the group outside of it.
		below, within := strings.CutPrefix(fields[2]+"/", strings.TrimSuffix(m.root, "/")+"/")
		if !within || strings.HasPrefix(fields[2], "/..") {
			return "/"
		}
		return path.Clean("/" + below)
	}
	return "/"
}

// left is what remains of the least limit of the group in a folder; not ok if it has
// none.
func (h hierarchy) left(dir string) (least int64, ok bool) {
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
		if left := max(limit-max(used, 0), 0); !ok || left < least {
			least, ok = left, true
		}
	}
	return least, ok
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
