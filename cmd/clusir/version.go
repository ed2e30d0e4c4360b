package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

// version is set by the linker: see the Makefile.
var version = "unknown"

// versionOptions are those of `clusir version`.
type versionOptions struct {
	out  io.Writer
	JSON bool
}

func newVersionCmd(runF func(*versionOptions) error) *cobra.Command {
	opts := &versionOptions{}
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.out = cmd.OutOrStdout()
			if runF != nil {
				return runF(opts)
			}
			return runVersion(opts)
		},
	}
	cmd.Flags().BoolVar(&opts.JSON, "json", false, "print JSON")
	return cmd
}

func runVersion(opts *versionOptions) error {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if opts.JSON {
		return json.NewEncoder(opts.out).Encode(map[string]string{
			"version": version, "go": runtime.Version(), "platform": platform,
		})
	}
	_, err := fmt.Fprintf(opts.out, "clusir %s (%s, %s)\n", version, runtime.Version(), platform)
	return err
}
