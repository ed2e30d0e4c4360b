// Package buildinfo reports how this program was built.
package buildinfo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"clusir/weights"
)

// Build describes how this program was built.
type Build struct {
	Version  string   `json:"version"`
	Commit   string   `json:"commit,omitempty"`
	Time     string   `json:"time,omitempty"` // of the commit
	Modified bool     `json:"modified,omitempty"`
	Go       string   `json:"go"`
	Platform string   `json:"platform"`
	Tags     string   `json:"tags,omitempty"`
	Devices  []string `json:"devices"`
	Models   []string `json:"models"` // embedded
}

// Read returns how this program was built. Its version is the one given, which the
// linker sets, or else the module version or commit that go build and go install record.
func Read(version string) Build {
	b := Build{
		Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Devices: []string{"cpu"}, Models: weights.Names(),
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		b.read(info)
	}
	b.Version = cmp.Or(b.Version, "unknown")
	if slices.Contains(strings.Split(b.Tags, ","), "cuda") {
		b.Devices = append(b.Devices, "cuda")
	}
	return b
}

// read fills in what was recorded.
func (b *Build) read(info *debug.BuildInfo) {
	noted := map[string]string{}
	for _, s := range info.Settings {
		noted[s.Key] = s.Value
	}
	b.Commit, b.Time, b.Modified, b.Tags = noted["vcs.revision"], noted["vcs.time"], noted["vcs.modified"] == "true", noted["-tags"]
	switch {
	case b.Version != "":
	case b.Commit != "" && b.Modified:
		b.Version = fmt.Sprintf("%.7s-dirty", b.Commit) // as git describe calls it
	case b.Commit != "":
		b.Version = fmt.Sprintf("%.7s", b.Commit)
	case info.Main.Version != "(devel)":
		b.Version = info.Main.Version
	}
}

// Write prints it as text or JSON.
func (b Build) Write(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(b)
	}
	fmt.Fprintf(w, "clusir %s (%s, %s)\n", b.Version, b.Go, b.Platform)
	if b.Commit != "" {
		modified := ""
		if b.Modified {
			modified = ", with changes"
		}
		fmt.Fprintf(w, "  commit   %.12s of %s%s\n", b.Commit, b.Time, modified)
	}
	if b.Tags != "" {
		fmt.Fprintf(w, "  tags     %s\n", b.Tags)
	}
	_, err := fmt.Fprintf(w, "  devices  %s\n  models   %s\n", strings.Join(b.Devices, ", "), strings.Join(b.Models, ", "))
	return err
}
