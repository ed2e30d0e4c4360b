package buildinfo

import (
	"runtime/debug"
	"testing"
)

// TestVersion: a program built without the Makefile reports its commit.
func TestVersion(t *testing.T) {
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	commit := setting("vcs.revision", "0123456789abcdef")
	for _, c := range []struct {
		module   string
		settings []debug.BuildSetting
		want     string
	}{
		{"(devel)", nil, ""},
		{"", nil, ""},
		{"v1.2.3", nil, "v1.2.3"}, // of go install clusir@v1.2.3
		{"(devel)", []debug.BuildSetting{commit, setting("vcs.modified", "false")}, "0123456"},
		{"v0.0.0-2026", []debug.BuildSetting{commit, setting("vcs.modified", "true")}, "0123456-dirty"},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: c.module}, Settings: c.settings}
		var b Build
		if b.read(info); b.Version != c.want {
			t.Errorf("%s %v: %s, want %s", c.module, c.settings, b.Version, c.want)
		}
		b = Build{Version: "v1.0.0"}
		if b.read(info); b.Version != "v1.0.0" {
			t.Errorf("%s %v: %s instead of the linker's version", c.module, c.settings, b.Version)
		}
	}
	if v := Read("").Version; v == "" {
		t.Error("there is no version")
	}
}
