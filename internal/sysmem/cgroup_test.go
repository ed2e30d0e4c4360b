package sysmem

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestAvailable(t *testing.T) {
	if free := Available(); free < 1<<20 {
		t.Errorf("only %d bytes are free, it says", free)
	}
}

// TestGroups reads the files of both versions of Linux's limits, of the process's own
// group and of its parents.
func TestGroups(t *testing.T) {
	const (
		v2     = "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
		v1     = "30 23 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n35 30 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n36 30 0:33 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
		docker = "35 30 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
		top    = "sys/fs/cgroup/"
		old    = "sys/fs/cgroup/memory/"
	)
	type files map[string]string
	group := func(dir, limit, used string) files {
		return files{dir + "memory.max": limit + "\n", dir + "memory.current": used + "\n",
			dir + "memory.limit_in_bytes": limit + "\n", dir + "memory.usage_in_bytes": used + "\n"}
	}
	for _, c := range []struct {
		name   string
		mounts string
		group  string
		files  []files
		left   int64
		ok     bool
	}{
		{"no groups", "", "", nil, 0, false},
		{"no limit", v2, "0::/\n", []files{group(top, "max", "5")}, 0, false},
		{"a container's own", v2, "0::/\n", []files{group(top, "1000", "300")}, 700, true},
		{"the root has no files", v2, "0::/a.slice\n", []files{group(top+"a.slice/", "1000", "300")}, 700, true},
		{"nested", v2, "0::/a.slice/b.service\n", []files{group(top+"a.slice/", "max", "300"), group(top+"a.slice/b.service/", "800", "100")}, 700, true},
		{"a parent's", v2, "0::/a/b/c\n", []files{group(top+"a/", "900", "800"), group(top+"a/b/", "max", "100"), group(top+"a/b/c/", "800", "100")}, 100, true},
		{"a neighbour's", v2, "0::/a/b\n", []files{group(top+"a/", "900", "100"), group(top+"a/c/", "100", "100")}, 800, true},
		{"a limit at which it is slowed down", v2, "0::/a\n", []files{group(top+"a/", "1000", "300"), {top + "a/memory.high": "500\n"}}, 200, true},
		{"pages of files come back", v2, "0::/a\n", []files{group(top+"a/", "1000", "300"),
			{top + "a/memory.stat": "anon 200\ninactive_file 100\nactive_file 7\n"}}, 800, true},
		{"used up", v2, "0::/a\n", []files{group(top+"a/", "1000", "3000")}, 0, true},
		{"outside of what can be seen", v2, "0::/../../x\n", []files{group(top, "1000", "300")}, 700, true},
		{"the older form", v1, "5:cpu:/z\n4:memory:/p/q\n0::/\n", []files{group(old+"p/", "1000", "600"), group(old+"p/q/", "9223372036854771712", "50"), group(old+"z/", "10", "10"),
			{old + "p/memory.stat": "inactive_file 5\ntotal_inactive_file 50\n"}}, 450, true},
		{"the older form, controllers together", v1, "4:cpu,memory:/p\n", []files{group(old+"p/", "1000", "600")}, 400, true},
		{"the older form without a limit", v1, "4:memory:/p\n", []files{group(old+"p/", "9223372036854771712", "300")}, 0, false},
		{"the host's path in a container", docker, "4:memory:/docker/abc\n", []files{group(old, "1000", "400")}, 600, true},
		{"below the host's path", docker, "4:memory:/docker/abc/in\n", []files{group(old, "1000", "400"), group(old+"in/", "100", "40")}, 60, true},
		{"elsewhere than the container", docker, "4:memory:/docker/abcdef\n", []files{group(old, "1000", "400"), group(old+"def/", "100", "40")}, 600, true},
	} {
		root := t.TempDir()
		all := append(c.files, files{"proc/self/mountinfo": c.mounts, "proc/self/cgroup": c.group})
		for _, group := range all {
			for name, text := range group {
				path := filepath.Join(root, name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if left, ok := groupsLeft(root); left != c.left || ok != c.ok {
			t.Errorf("%s: %d, %v, want %d, %v", c.name, left, ok, c.left, c.ok)
		}
	}
}
