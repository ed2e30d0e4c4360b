package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"clusir/internal/sharedtest"
)

// TestMain makes this program clusir itself where it is called by that name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "clusir" {
		main()
	}
	os.Exit(m.Run())
}

var example = regexp.MustCompile("(?s)```console example\n(.*?)```")

// TestExamples runs the examples of docs/*.md, those of a page one after the
// other in one folder. A line that begins with $ is a command; the lines below
// it are what it prints, those with ! on standard error. "..." stands for
// anything within a line, and alone on a line for any lines.
func TestExamples(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skipf("the examples are for a shell: %v", err)
	}
	root := sharedtest.Root(t)
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		examples := example.FindAllSubmatch(text, -1)
		if len(examples) == 0 {
			continue
		}
		found += len(examples)
		t.Run(filepath.Base(page), func(t *testing.T) {
			sh := newShell(t, root)
			for _, e := range examples {
				for command := range strings.SplitSeq("\n"+string(e[1]), "\n$ ") {
					sh.run(t, command)
				}
			}
		})
	}
	if found < 8 {
		t.Errorf("only %d examples are found", found)
	}
}

// shell runs commands in a folder of their own, from which the repository's
// pictures and weights can be reached.
type shell struct{ dir, bin string }

func newShell(t *testing.T, root string) shell {
	t.Helper()
	s := shell{dir: t.TempDir(), bin: t.TempDir()}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{
		filepath.Join(s.bin, "clusir"): self, filepath.Join(s.dir, "testdata"): filepath.Join(root, "testdata"),
		filepath.Join(s.dir, "weights"): filepath.Join(root, "weights"),
	} {
		if err := os.Symlink(to, link); err != nil {
			t.Skipf("links are needed: %v", err)
		}
	}
	return s
}

// run runs a command and compares what it prints with the lines below it.
func (s shell) run(t *testing.T, example string) {
	t.Helper()
	line, below, _ := strings.Cut(strings.TrimSpace(example), "\n")
	if line == "" {
		return
	}
	var want, wantErr []string
	for l := range strings.Lines(below) {
		l = strings.TrimRight(l, "\n")
		if text, ok := strings.CutPrefix(l, "! "); ok {
			wantErr = append(wantErr, text)
		} else {
			want = append(want, l)
		}
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, &stdout, &stderr
	cmd.Env = append(os.Environ(), "PATH="+s.bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	err := cmd.Run()
	if failed := err != nil; failed != (len(wantErr) > 0) {
		t.Errorf("$ %s: %v\n%s", line, err, &stderr)
	}
	for name, c := range map[string][2]string{
		"standard output": {strings.Join(want, "\n"), stdout.String()}, "standard error": {strings.Join(wantErr, "\n"), stderr.String()},
	} {
		if !matches(c[0], strings.TrimRight(c[1], "\n")) {
			t.Errorf("$ %s: %s is\n%s\nwant\n%s", line, name, c[1], c[0])
		}
	}
}

// matches tells whether text is as the pattern says, spaces at the ends of
// lines aside.
func matches(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	var re strings.Builder
	for line := range strings.SplitSeq(pattern, "\n") {
		if line == "..." {
			re.WriteString(`(?:.*\n)*`)
			continue
		}
		re.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), `\.\.\.`, ".*") + ` *\n`)
	}
	return regexp.MustCompile("^" + re.String() + "$").MatchString(text + "\n")
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "x", false}, {"a", "a", true}, {"a", "a  ", true}, {"a", "b", false}, {"a...c", "abc", true},
		{"a...", "a\nb", false}, {"a\n...", "a\nb\nc", true}, {"a\n...", "a", true}, {"a\n...\nc", "a\nb\nc", true},
		{"a\n...\nc", "a\nb\nd", false}, {"a.c", "abc", false},
	} {
		if got := matches(c.pattern, c.text); got != c.want {
			t.Errorf("%q, %q: %v", c.pattern, c.text, got)
		}
	}
}
