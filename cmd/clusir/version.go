package main

import (
	"github.com/spf13/cobra"

	"clusir/internal/buildinfo"
	"clusir/internal/usage"
)

// version is set by the linker: see the Makefile.
var version string

func programVersion() string { return buildinfo.Read(version).Version }

type versionOptions struct {
	streams
	JSON bool
}

func newVersionCmd(runF func(*versionOptions) error) *cobra.Command {
	opts := &versionOptions{}
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version and how this program was built",
		Args:  usage.NoArguments("there are none"),
		RunE:  runs(opts, runF),
	}
	cmd.Flags().BoolVar(&opts.JSON, "json", false, "print JSON")
	return cmd
}

func (o *versionOptions) run() error { return buildinfo.Read(version).Write(o.out, o.JSON) }
