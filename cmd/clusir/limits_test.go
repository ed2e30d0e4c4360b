package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLimits starts the program as shells and services do: with little address space,
// and without standard output.
func TestLimits(t *testing.T) {
	bin, picture := program(t), "../../testdata/images/chelsea-noisy.png"
	for _, c := range []struct {
		name, shell string
		args        []string
		code        int
		says        string
	}{
		{"far too few addresses", "ulimit -v 300000", []string{"version"}, exitError, "the limit on addresses (ulimit -v) is 300000 kB, and clusir needs"},
		{"enough addresses", "ulimit -v 4000000", []string{"restore", picture, "OUT"}, exitOK, ""},
		{"fewer than are allowed", "ulimit -v 4000000", []string{"restore", picture, "OUT", "--max-memory", "8GB"}, exitError,
			"--max-memory allows 8.0 GB, and the user's limit (ulimit -v or -d) leaves"},
		{"no standard output", "exec >&-", []string{"restore", picture, "-"}, exitError, "cannot write standard output"},
		{"no standard output for JSON", "exec >&-", []string{"restore", picture, "OUT", "--json"}, exitError, "cannot write standard output"},
		{"no standard output for an address", `exec >&-; set -- timeout 30 "$@"`, []string{"serve", "--addr", "127.0.0.1:0", "--device", "cpu"}, exitError, "cannot write standard output"},
		{"no standard output and no need", "exec >&-", []string{"restore", picture, "OUT"}, exitOK, ""},
		{"no room for results", "ulimit -f 0; trap '' XFSZ", []string{"restore", picture, "OUT", "--results", "OUT.jsonl"}, exitError, "clusir: cannot write OUT.jsonl: file too large\n"},
		{"no standard input", "exec <&-", []string{"restore", "-", "OUT"}, exitError, "standard input is not an image: it is empty"},
	} {
		out := filepath.Join(t.TempDir(), "out.png")
		args := append([]string{"-c", c.shell + `; exec "$@"`, "sh", bin}, c.args...)
		for i := range args {
			args[i] = strings.Replace(args[i], "OUT", out, 1)
		}
		cmd := exec.Command("sh", args...)
		cmd.Stdin = os.Stdin
		text, _ := stderrOf(cmd) // has an exit code
		if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(text, strings.Replace(c.says, "OUT", out, 1)) || strings.Contains(text, "goroutine") {
			t.Errorf("%s: exit code %d, %q", c.name, code, text)
		}
	}
}
