package main

import (
	"runtime/debug"
	"testing"
)

// TestVersionOf: a program built without the Makefile reports its commit.
func TestVersionOf(t *testing.T) {
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	commit := setting("vcs.revision", "0123456789abcdef")
	for _, c := range []struct {
		module   string
		settings []debug.BuildSetting
		want     string
	}{
		{"(devel)", nil, "unknown"},
		{"", nil, "unknown"},
		{"v1.2.3", nil, "v1.2.3"}, // of go install clusir@v1.2.3
		{"(devel)", []debug.BuildSetting{commit, setting("vcs.modified", "false")}, "0123456"},
		{"v0.0.0-2026", []debug.BuildSetting{commit, setting("vcs.modified", "true")}, "0123456-dirty"},
	} {
		if got := versionOf(&debug.BuildInfo{Main: debug.Module{Version: c.module}, Settings: c.settings}); got != c.want {
			t.Errorf("%s %v: %s, want %s", c.module, c.settings, got, c.want)
		}
	}
}
