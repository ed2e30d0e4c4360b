package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"clusir/internal/atomicfile"
)

// manOptions are the options of `clusir man`.
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
		Args:    cobra.ExactArgs(1),
		RunE:    runs(opts, runF),
	}
}

func (o *manOptions) complete(cmd *cobra.Command, args []string) error {
	o.root, o.Dir = cmd.Root(), args[0]
	return nil
}

func (o *manOptions) run() error {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return fmt.Errorf("cannot write manual pages: %w", err)
	}
	o.root.DisableAutoGenTag = true
	for _, c := range o.root.Commands() {
		c.Long = strings.ReplaceAll(c.Long, "*", `\*`) // cobra takes it for Markdown
	}
	header := &doc.GenManHeader{Section: "1", Source: "clusir " + programVersion(), Manual: "clusir"}
	if at, err := time.Parse(time.RFC3339, thisBuild().Time); err == nil {
		header.Date = &at // makes the pages reproducible
	}
	pages, err := writePages(o.root, *header, o.Dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.out, "%d manual pages are in %s\n", pages, o.Dir)
	return err
}

// writePages writes the pages of a command and its subcommands.
func writePages(c *cobra.Command, header doc.GenManHeader, dir string) (pages int, err error) {
	for _, below := range c.Commands() {
		if !below.IsAvailableCommand() || below.IsAdditionalHelpTopicCommand() {
			continue
		}
		n, err := writePages(below, header, dir)
		if err != nil {
			return 0, err
		}
		pages += n
	}
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	path := filepath.Join(dir, name+"."+header.Section)
	return pages + 1, atomicfile.Write(path, func(w io.Writer) error { return doc.GenMan(c, &header, w) })
}
