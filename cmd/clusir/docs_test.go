package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"clusir/internal/sharedtest"
)

// TestMain runs clusir itself if the program is called by that name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "clusir" {
		beforeMain()
		main()
	}
	os.Exit(m.Run())
}

// beforeMain runs first when a test runs this program as clusir.
var beforeMain = func() {}

var update = flag.Bool("update", false, "write into docs/*.md what the measured examples print")

// fence is a fenced block of a document: "```console example".
type fence struct{ language, what, text string }

var fenced = regexp.MustCompile("(?ms)^```(\\w+) (\\S+)\n(.*?)^```$")

// fences finds the fenced blocks with a declared purpose.
func fences(text []byte) (found []fence) {
	for _, m := range fenced.FindAllSubmatch(text, -1) {
		found = append(found, fence{string(m[1]), string(m[2]), string(m[3])})
	}
	return found
}

// scene prepares the examples of a page and checks what they leave.
type scene struct{ before, after func(t *testing.T, s shell) }

var scenes = map[string]scene{
	"eval.md":    {before: measuringScene},
	"referee.md": {before: refereeScene},
	"train.md":   {before: fineTuning, after: fineTuned},
	"serve.md":   {before: serving},
}

// TestExamples runs the examples of docs/*.md, those of one page one after the other in
// one folder, as their fences say:
//
//	yaml NAME         is a file of that name
//	sh run            is commands
//	console example   is commands after $, and below each what it prints, those
//	                  lines with ! on standard error. "..." stands for anything
//	                  within a line, and alone on a line for any lines.
//	console measured  is the same for commands that measure: see measures; with
//	                  -update the page gets what they print now
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
		parts := fences(text)
		if len(parts) == 0 {
			continue
		}
		found += len(parts)
		t.Run(filepath.Base(page), func(t *testing.T) { play(t, root, page, string(text), parts) })
	}
	if found < 18 {
		t.Errorf("only %d examples are found: their form has changed", found)
	}
}

// play runs the examples of a page.
func play(t *testing.T, root, page, text string, parts []fence) {
	s, around := newShell(t, root), scenes[filepath.Base(page)]
	about := measures{document: text, current: true}
	if around.before != nil {
		around.before(t, s)
	}
	for _, f := range parts {
		switch f.language + " " + f.what {
		case "console example":
			s.runAll(t, f.text, matches)
		case "console measured":
			if *update {
				text = strings.Replace(text, f.text, s.prints(t, f.text), 1)
				writeFile(t, page, text)
				continue
			}
			s.runAll(t, f.text, about.same)
		case "sh run":
			for line := range strings.Lines(f.text) {
				if _, stderr, err := s.command(line); err != nil {
					t.Fatalf("$ %s%v\n%s", line, err, stderr)
				}
			}
		default:
			writeFile(t, filepath.Join(s.dir, f.what), f.text)
		}
	}
	if around.after != nil {
		around.after(t, s)
	}
}

// shell runs commands in its own folder, from which the repository's pictures and
// weights can be reached.
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

// runAll runs a console's commands and compares what each prints.
func (s shell) runAll(t *testing.T, console string, same func(want, got string) bool) {
	t.Helper()
	for example := range strings.SplitSeq("\n"+console, "\n$ ") {
		s.run(t, example, same)
	}
}

// run runs a command and compares its output with the lines below it.
func (s shell) run(t *testing.T, example string, same func(want, got string) bool) {
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
	stdout, stderr, err := s.command(line)
	if failed := err != nil; failed != (len(wantErr) > 0) {
		t.Errorf("$ %s: %v\n%s", line, err, stderr)
	}
	if want := strings.Join(want, "\n"); !same(want, stdout) {
		t.Errorf("$ %s prints\n%s\nwant\n%s", line, stdout, want)
	}
	if want := strings.Join(wantErr, "\n"); !matches(want, stderr) {
		t.Errorf("$ %s: standard error is\n%s\nwant\n%s", line, stderr, want)
	}
}

// prints runs a console's commands and returns the console with their current output.
func (s shell) prints(t *testing.T, console string) string {
	t.Helper()
	if strings.Contains(console, "...") || strings.Contains(console, "\n! ") {
		t.Fatalf("write this by hand:\n%s", console)
	}
	var now strings.Builder
	for example := range strings.SplitSeq(strings.TrimPrefix(console, "$ "), "\n$ ") {
		line, below, _ := strings.Cut(strings.TrimRight(example, "\n"), "\n")
		stdout, stderr, err := s.command(line)
		if err != nil {
			t.Fatalf("$ %s: %v\n%s", line, err, stderr)
		}
		now.WriteString("$ " + line + "\n")
		if below != "" {
			now.WriteString(stdout + "\n")
		}
	}
	return now.String()
}

// badVerb matches what fmt prints if a format and its arguments do not agree.
var badVerb = regexp.MustCompile(`%!.?\(.*`)

// command runs a line and returns what it printed, without the final newline.
func (s shell) command(line string) (stdout, stderr string, err error) {
	var out, errOut bytes.Buffer
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, &out, &errOut
	cmd.Env = append(os.Environ(), "PATH="+s.bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	err = cmd.Run()
	if bad := badVerb.FindString(out.String() + errOut.String()); bad != "" {
		err = errors.Join(err, fmt.Errorf("the output holds %q: a format and its arguments do not agree", bad))
	}
	return strings.TrimRight(out.String(), "\n"), strings.TrimRight(errOut.String(), "\n"), err
}

// matches reports whether text matches the pattern, ignoring spaces at the ends of
// lines.
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
