package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"clusir/weights"
)

// version is set by the linker: see the Makefile.
var version string

// programVersion returns the version set by the linker, or else the module version or
// commit recorded by go build and go install.
func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	if version != "" || !ok {
		return cmp.Or(version, unknownVersion)
	}
	return versionOf(info)
}

const unknownVersion = "unknown"

func versionOf(info *debug.BuildInfo) string {
	noted := map[string]string{}
	for _, s := range info.Settings {
		noted[s.Key] = s.Value
	}
	switch commit := noted["vcs.revision"]; {
	case commit != "" && noted["vcs.modified"] == "true":
		return fmt.Sprintf("%.7s-dirty", commit) // as git describe calls it
	case commit != "":
		return fmt.Sprintf("%.7s", commit)
	case info.Main.Version != "" && info.Main.Version != "(devel)":
		return info.Main.Version
	}
	return unknownVersion
}

// versionOptions are the options of `clusir version`.
type versionOptions struct {
	streams
	JSON bool
}

// build describes how this program was built.
type build struct {
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

func newVersionCmd(runF func(*versionOptions) error) *cobra.Command {
	opts := &versionOptions{}
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version and how this program was built",
		Args:  cobra.NoArgs,
		RunE:  runs(opts, runF),
	}
	cmd.Flags().BoolVar(&opts.JSON, "json", false, "print JSON")
	return cmd
}

func (o *versionOptions) run() error {
	b := thisBuild()
	if o.JSON {
		return json.NewEncoder(o.out).Encode(b)
	}
	fmt.Fprintf(o.out, "clusir %s (%s, %s)\n", b.Version, b.Go, b.Platform)
	if b.Commit != "" {
		modified := ""
		if b.Modified {
			modified = ", with changes"
		}
		fmt.Fprintf(o.out, "  commit   %.12s of %s%s\n", b.Commit, b.Time, modified)
	}
	if b.Tags != "" {
		fmt.Fprintf(o.out, "  tags     %s\n", b.Tags)
	}
	_, err := fmt.Fprintf(o.out, "  devices  %s\n  models   %s\n", strings.Join(b.Devices, ", "), strings.Join(b.Models, ", "))
	return err
}

func thisBuild() build {
	b := build{
		Version: programVersion(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Devices: []string{"cpu"}, Models: weights.Names(),
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		case "-tags":
			b.Tags = s.Value
		}
	}
	for tag := range strings.SplitSeq(b.Tags, ",") {
		if tag == "cuda" {
			b.Devices = append(b.Devices, "cuda")
		}
	}
	return b
}
