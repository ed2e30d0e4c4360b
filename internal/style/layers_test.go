package style

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layer is a package and what it may import of this module. Names are relative to
// internal/; /... covers everything below.
type layer struct {
	pkg     string
	imports []string
}

// layers is ordered from the top down. Imports that a row does not list are errors, and
// so are unused rows and names; tests may import anything.
var layers = []layer{
	{"../cmd/clusir", []string{"train", "eval", "figures", "restore", "bench", "model", "arch", "infer", "device", "kernels", "dataset", "config", "suggest", "imageio", "report", "tabular", "draw", "sysmem", "process", "progress", "serve", "shard", "../weights", "userfile", "usage", "buildinfo"}},

	{"report", []string{"eval", "dataset", "planar", "tabular", "draw", "palette", "atomicfile", "userfile"}}, // the page of eval's results

	{"serve", []string{"device", "kernels", "userfile", "restore", "infer", "model", "imageio", "suggest", "atomicfile", "usage"}}, // restore, over HTTP

	// The use cases. They know about each other only what a command passes in.
	{"train", []string{"device", "infer", "parallel", "model", "arch", "autograd", "kernels", "dataset", "checkpoint", "config", "tensorboard", "draw", "palette", "atomicfile", "progress", "eval", "userfile", "sysmem"}},
	{"eval", []string{"progress", "shard", "checkpoint", "infer", "published", "model", "arch", "kernels", "dataset", "config", "metrics", "tabular", "atomicfile", "planar", "userfile", "sysmem", "usage", "../weights"}},
	{"figures", []string{"progress", "infer", "model", "arch", "dataset", "metrics", "draw", "palette", "planar", "atomicfile", "userfile"}},
	{"restore", []string{"progress", "shard", "tabular", "infer", "model", "arch", "kernels", "imageio", "draw", "palette", "atomicfile", "sysmem", "planar", "userfile", "usage"}},
	{"bench", []string{"infer", "autograd", "model", "arch", "kernels", "checkpoint", "sysmem", "usage"}},

	// The network, and its device behind one interface.
	{"infer/infertest", []string{"infer", "model", "arch", "kernels/cpu"}}, // for tests alone
	{"infer", []string{"model", "arch", "autograd", "kernels", "checkpoint", "config", "planar", "../weights", "userfile"}},
	{"model", []string{"autograd", "kernels", "checkpoint", "arch", "userfile"}},
	{"autograd", []string{"kernels"}},
	{"parallel", []string{"kernels", "userfile"}},
	{"testnet", []string{"arch", "kernels"}}, // for tests alone
	{"device", []string{"kernels/cpu", "kernels/cuda", "kernels"}},
	{"kernels/cpu", []string{"kernels"}},
	{"kernels/cuda", []string{"kernels/cuda/...", "kernels"}},
	{"kernels/cuda/...", nil},
	{"kernels/kerneltest", []string{"kernels/ref", "kernels"}}, // only for tests
	{"kernels/ref", []string{"kernels", "planar"}},             // only for tests
	{"kernels", nil},

	// The edges: settings, files, pictures. They know nothing about the network.
	{"config", []string{"dataset", "strict", "suggest", "../configs", "userfile", "usage", "arch"}},
	{"arch", nil},
	{"../configs", nil},
	{"dataset", []string{"dataset/...", "atomicfile", "imageio", "planar", "draw", "palette", "strict", "suggest", "sysmem", "usage", "userfile"}},
	{"dataset/...", []string{"planar", "userfile"}},
	{"imageio", []string{"atomicfile", "planar", "userfile"}},
	{"metrics", []string{"planar"}},
	{"planar", nil},
	{"draw", []string{"atomicfile"}},
	{"palette", nil},
	{"published", nil},
	{"tabular", []string{"userfile"}},
	{"tensorboard", nil},
	{"checkpoint", []string{"atomicfile", "userfile"}},
	{"strict", []string{"suggest", "usage", "userfile"}},
	{"usage", []string{"atomicfile"}},
	{"buildinfo", []string{"../weights"}},
	{"../weights", nil},
	{"process", []string{"userfile"}},
	{"atomicfile", []string{"userfile"}},
	{"sysmem", nil},
	{"progress", []string{"userfile"}},
	{"suggest", nil},
	{"shard", nil},
	{"userfile", nil},

	// Only for tests.
	{"browsertest", []string{"sharedtest"}},
	{"sharedtest", nil},
	{"style", nil},
}

func TestImportsPointDownwards(t *testing.T) {
	used := map[string]map[string]bool{} // by row, then by name in it
	for _, path := range sources(t, ".go") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		pkg := relative(filepath.ToSlash(filepath.Dir(path)))
		row := slices.IndexFunc(layers, func(l layer) bool { return covers(l.pkg, pkg) })
		if row < 0 {
			t.Errorf("%s: package %s is not in the table of layers: add it, at its place from the top down", path, pkg)
			continue
		}
		l := layers[row]
		if used[l.pkg] == nil {
			used[l.pkg] = map[string]bool{}
		}
		for _, imported := range importsOf(t, path) {
			grant := slices.IndexFunc(l.imports, func(p string) bool { return covers(p, imported) })
			if grant < 0 {
				t.Errorf("%s: %s must not import %s", path, pkg, imported)
				continue
			}
			used[l.pkg][l.imports[grant]] = true
		}
	}
	for _, l := range layers {
		if used[l.pkg] == nil {
			t.Errorf("there is no package %s: remove its row", l.pkg)
		}
		for _, p := range l.imports {
			if used[l.pkg] != nil && !used[l.pkg][p] {
				t.Errorf("%s may import %s and does not: remove it from the row", l.pkg, p)
			}
		}
	}
}

// TestTheTablePointsDownwards keeps a row from allowing what is above it.
func TestTheTablePointsDownwards(t *testing.T) {
	for i, l := range layers {
		for _, p := range l.imports {
			at := slices.IndexFunc(layers, func(below layer) bool { return below.pkg == p })
			if at <= i {
				t.Errorf("%s may import %s, which is not below it", l.pkg, p)
			}
		}
	}
}

// covers reports whether a name in the table stands for pkg.
func covers(name, pkg string) bool {
	if prefix, ok := strings.CutSuffix(name, "..."); ok {
		return strings.HasPrefix(pkg, prefix)
	}
	return name == pkg
}

// relative converts a folder below the root to a name in the table.
func relative(dir string) string {
	if below, ok := strings.CutPrefix(dir, "internal/"); ok {
		return below
	}
	return "../" + dir
}

// importsOf lists the packages of this module that a file imports.
func importsOf(t *testing.T, path string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), abs(t, path), nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, spec := range f.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if below, ok := strings.CutPrefix(name, "clusir/"); ok {
			names = append(names, relative(below))
		}
	}
	return names
}
