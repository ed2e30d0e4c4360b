package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"clusir/internal/buildinfo"
	"clusir/internal/usage"
)

type manOptions struct {
	streams
	root *cobra.Command
	Dir  string
}

func newManCmd(runF func(*manOptions) error) *cobra.Command {
	opts := &manOptions{}
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages",
		Long: `Write a manual page for each command into the folder DIR, for man to find:
man -M looks for them in a folder man1 of the one it is given.`,
		Example: `  clusir man ~/.local/share/man/man1 && man clusir-restore`,
		Args:    usage.Arguments(cobra.ExactArgs(1), "name the folder for the pages: clusir man DIR"),
		RunE:    runs(opts, runF),
	}
}

func (o *manOptions) complete(cmd *cobra.Command, args []string) error {
	o.root, o.Dir = cmd.Root(), args[0]
	return usage.NoStream("DIR", o.Dir)
}

func (o *manOptions) run() error {
	build := buildinfo.Read(version)
	pages, err := usage.WriteManual(o.root, build.Version, build.Time, o.Dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.out, "%d manual pages are in %s\n", pages, o.Dir)
	return err
}
