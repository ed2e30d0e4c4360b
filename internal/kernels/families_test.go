package kernels_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// families maps each operation to its family, the interface that declares it. Gradients
// are left out, and so is Memory, which is not a family.
func families(t *testing.T) map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), "kernels.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if face, ok := spec.Type.(*ast.InterfaceType); ok && spec.Name.Name != "Memory" {
			for _, m := range face.Methods.List {
				if len(m.Names) > 0 && !strings.HasSuffix(m.Names[0].Name, "Grad") {
					of[m.Names[0].Name] = strings.ToLower(spec.Name.Name)
				}
			}
		}
		return false
	})
	return of
}

// place locates one layer's files and the definitions of operations in them.
type place struct {
	glob, prefix string // files, and what precedes the family's name in theirs
	defines      string // a pattern whose first group is the operation's name
	every        bool   // each operation must be defined here
	together     bool   // in one file
}

var places = []place{
	{"ref/*.go", "", `(?m)^func \(.*\*Backend\) (\w+)\(`, true, false},
	{"cpu/ops.go", "", `(?m)^func \(.*\*Backend\) (\w+)\(`, true, true},
	{"cuda/*.go", "", `(?m)^func \(.*\*Backend\) (\w+)\(`, true, false},
	{"kerneltest/cases_*.go", "cases_", `Op: +"(\w+)"`, true, false},
	{"../autograd/ops_*.go", "ops_", `\bt\.B\.(\w+)\b`, false, false}, // the optimiser's operations have no gradient
}

// named reports whether a file belongs to a family: its name is the family's name or
// begins with it.
func named(file, prefix, family string) bool {
	rest, ok := strings.CutPrefix(filepath.Base(file), prefix+family)
	return ok && !(rest[0] >= 'a' && rest[0] <= 'z')
}

// TestFamilies requires one name for a family in every layer: an operation is defined
// in files named after the interface that declares it.
func TestFamilies(t *testing.T) {
	of := families(t)
	if len(of) < 30 {
		t.Fatalf("kernels.go declares %d operations; is it still parsed correctly?", len(of))
	}
	for _, p := range places {
		found := map[string]bool{}
		for _, file := range glob(t, p.glob) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(p.defines).FindAllStringSubmatch(string(text), -1) {
				op := m[1]
				found[op] = true
				if family := of[op]; family != "" && !p.together && !named(file, p.prefix, family) {
					t.Errorf("%s defines %s; it belongs in %s%s*.go, after the interface that declares it", file, op, p.prefix, family)
				}
			}
		}
		for op, family := range of {
			if p.every && !found[op] {
				t.Errorf("no file of %s defines %s of the family %s", p.glob, op, family)
			}
		}
	}
}

// shared lists the kernels that several families launch; trail is launched between
// them.
var shared = []string{"norm", "product", "trail"}

// TestKernelFiles requires every CUDA source to be named after a family too.
func TestKernelFiles(t *testing.T) {
	words := append([]string{}, shared...)
	for _, family := range families(t) {
		words = append(words, family)
	}
	for _, file := range glob(t, "../../kernels/*.cu") {
		ok := false
		for _, word := range words {
			ok = ok || named(file, "", word)
		}
		if !ok {
			t.Errorf("%s is named after no family of kernels.go, nor after one of the shared %q", file, shared)
		}
	}
}

// glob lists files, leaving out tests; there must be at least one.
func glob(t *testing.T, pattern string) (files []string) {
	all, err := filepath.Glob(pattern)
	for _, f := range all {
		if !strings.HasSuffix(f, "_test.go") {
			files = append(files, f)
		}
	}
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files (%v)", pattern, err)
	}
	return files
}
