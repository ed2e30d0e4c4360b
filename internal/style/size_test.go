package style

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/sharedtest"
)

// Limits in lines. A test may be longer than what it tests: tables are easy to read.
const (
	maxFile     = 400
	maxTest     = 600
	maxFunction = 60
)

func TestFilesAreShort(t *testing.T) {
	for _, path := range sources(t, ".go", ".cc", ".h", ".cu", ".cuh", ".sh", ".py") {
		b, err := os.ReadFile(abs(t, path))
		if err != nil {
			t.Fatal(err)
		}
		limit := maxFile
		if strings.HasSuffix(path, "_test.go") {
			limit = maxTest
		}
		if n := bytes.Count(b, []byte("\n")); n > limit {
			t.Errorf("%s has %d lines: split it, so that none has more than %d", path, n, limit)
		}
	}
}

func TestFunctionsAreShort(t *testing.T) {
	for _, path := range sources(t, ".go") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, abs(t, path), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				if n := files.Position(fn.End()).Line - files.Position(fn.Pos()).Line + 1; n > maxFunction {
					t.Errorf("%s: %s has %d lines: split it, so that none has more than %d", path, fn.Name.Name, n, maxFunction)
				}
			}
		}
	}
}

// TestPackagesAreDocumented requires one comment that begins with "Package x" or, for a
// program, "Command x".
func TestPackagesAreDocumented(t *testing.T) {
	documented := map[string]int{}
	for _, path := range sources(t, ".go") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), abs(t, path), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Dir(path)
		documented[dir] += 0
		text := f.Doc.Text()
		if strings.HasPrefix(text, "Package "+f.Name.Name+" ") || strings.HasPrefix(text, "Command "+filepath.Base(dir)+" ") {
			documented[dir]++
		}
	}
	for dir, n := range documented {
		if n != 1 {
			t.Errorf("%s: %d of its files say what the package is for: one must", dir, n)
		}
	}
}

// TestCIRunsTheTestCommand keeps the README's test command and CI's the same.
func TestCIRunsTheTestCommand(t *testing.T) {
	const command = "make check"
	for path, line := range map[string]string{"README.md": "\n" + command + " ", ".ci/run": "\n" + command + "\n"} {
		b, err := os.ReadFile(abs(t, path))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), line) {
			t.Errorf("%s does not run %q", path, command)
		}
	}
}

// foreign folders contain nothing of ours to check.
var foreign = []string{"build", "bin", "third_party", "peers", "testdata"}

// sources lists the files with one of the extensions, relative to the root.
func sources(t *testing.T, extensions ...string) []string {
	t.Helper()
	root := sharedtest.Root(t)
	var paths []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains(foreign, d.Name())) {
			return filepath.SkipDir
		}
		if !d.IsDir() && slices.Contains(extensions, filepath.Ext(path)) {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			paths = append(paths, rel)
		}
		return nil
	})
	if err != nil || len(paths) == 0 {
		t.Fatalf("no sources below %s: %v", root, err)
	}
	return paths
}

func abs(t *testing.T, path string) string {
	t.Helper()
	return filepath.Join(sharedtest.Root(t), path)
}
