package usage

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

// WriteManual writes a manual page for a command and each of its subcommands into a
// folder, and returns their number. The pages are dated by the time of the commit.
func WriteManual(root *cobra.Command, version, commit, dir string) (pages int, err error) {
	header := doc.GenManHeader{Section: "1", Source: root.Name() + " " + version, Manual: root.Name()}
	if at, err := time.Parse(time.RFC3339, commit); err == nil {
		header.Date = &at // makes the pages reproducible
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, fmt.Errorf("cannot write manual pages: %w", err)
	}
	root.DisableAutoGenTag = true
	root.Use, root.Long = root.Name()+" COMMAND", root.Short+".\n"
	for _, c := range root.Commands() {
		c.Long = strings.ReplaceAll(c.Long, "*", `\*`) // cobra takes it for Markdown
		if c.IsAvailableCommand() {
			root.Long += fmt.Sprintf("\n- %s: %s", c.Name(), c.Short)
		}
	}
	return writePages(root, header, dir)
}

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
