package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"clusir/internal/sharedtest"
)

// TestNamesInDocuments: flags and targets of make that code in documents names exist.
func TestNamesInDocuments(t *testing.T) {
	root := sharedtest.Root(t)
	known := map[string]bool{"--strenght": true} // a mistake that docs/serve.md shows
	for f := range strings.FieldsSeq("bind-to map-by mpi nodes ntasks-per-node gpus-per-node cpus-per-task signal kill-on-bad-exit hostfile data-binary retry logdir short") {
		known["--"+f] = true // another program's
	}
	for commands := []*cobra.Command{newRoot(new(bool))}; len(commands) > 0; commands = append(commands[1:], commands[0].Commands()...) {
		commands[0].InitDefaultHelpFlag()
		commands[0].Flags().VisitAll(func(f *pflag.Flag) { known["--"+f.Name] = true })
	}
	for _, m := range regexp.MustCompile(`(?m)^([a-z][a-z0-9-]+):`).FindAllStringSubmatch(string(readFile(t, filepath.Join(root, "Makefile")))+string(readFile(t, filepath.Join(root, "cuda.mk"))), -1) {
		known["make "+m[1]] = true
	}
	list, err := exec.Command("git", "-C", root, "ls-files", "*.md").Output()
	if err != nil {
		t.Skipf("git lists the documents: %v", err)
	}
	found := 0
	for _, path := range strings.Fields(string(list)) {
		for _, code := range regexp.MustCompile("(?ms)^```.*?^```|`[^`]+`").FindAllString(string(readFile(t, filepath.Join(root, path))), -1) {
			for _, m := range regexp.MustCompile("(?:^|[\\s`(])(--[a-z][a-z-]+|make [a-z][a-z0-9-]+)").FindAllStringSubmatch(code, -1) {
				if found++; !known[m[1]] {
					t.Errorf("%s: there is no %s", path, m[1])
				}
			}
		}
	}
	if found < 300 {
		t.Errorf("only %d names were found: their form has changed", found)
	}
}
