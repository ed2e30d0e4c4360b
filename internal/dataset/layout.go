package dataset

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// layout is where the PromptIR family keeps a task's training data below the root; of
// several folders, the first that exists. {kind} is the composition.
type layout struct {
	input, target []string
	match         matchRule
	list, listDir string // the family's list, and its folder below data_dir
	depth         string // a folder of depth maps of clean photographs, if any
	expected      int    // pairs in the whole data set
}

// overlapList is the default list of training images that are also in a test set.
const overlapList = "overlap_rain100l_test.txt"

// testFolders hold the layout's test sets, which benchmarks.yaml describes.
var testFolders = []string{"test", "cdd11/test", "CDD-11_test"}

func inTestFolder(root, file string) bool {
	return slices.ContainsFunc(testFolders, func(dir string) bool {
		rel, err := filepath.Rel(under(root, dir), file)
		return err == nil && filepath.IsLocal(rel)
	})
}

// matchRule returns the names of clean images that may match a degraded one, as match
// keys relative to the folder, the best first.
type matchRule func(key string) []string

// matchSame pairs files with the same name in their two folders.
func matchSame(key string) []string { return []string{key} }

// matchRain pairs rain-N with norain-N, or with rain-N as in test sets.
func matchRain(key string) []string {
	dir, name := filepath.Split(key)
	return []string{dir + "no" + name, key}
}

// matchHaze pairs ID_A_B, with A the airlight and B the scattering, and ID_K, in any
// folder, with ID, which may have underscores too.
func matchHaze(key string) (ids []string) {
	id := filepath.Base(key)
	for at := strings.LastIndex(id, "_"); at > 0; at = strings.LastIndex(id, "_") {
		id = id[:at]
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return []string{id}
	}
	return ids
}

// folders returns the folders of a part's pairs: the task's own, or the layout's.
func (p part) folders(root string) (input, target string, lay layout) {
	lay = kindOf(p.Kind).layout
	if p.Input != "" {
		lay.input, lay.target, lay.list, lay.expected = []string{p.Input}, []string{p.Target}, "", 0
	}
	if lay.match == nil {
		lay.match = matchSame
	}
	return firstFolder(root, lay.input, p.composition), firstFolder(root, lay.target, p.composition), lay
}

// firstFolder returns the first of the folders that exists, or the first, with kind in
// place of {kind}.
func firstFolder(root string, dirs []string, kind string) string {
	path := func(dir string) string { return under(root, strings.ReplaceAll(dir, "{kind}", kind)) }
	for _, d := range dirs {
		if info, err := os.Stat(path(d)); err == nil && info.IsDir() {
			return path(d)
		}
	}
	return path(dirs[0])
}

// under joins a folder of the layout or the configuration to the root.
func under(root, dir string) string {
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(root, filepath.FromSlash(dir))
}

// relKey is the match key of a file, including its folders below dir.
func relKey(dir, file string) string {
	name := relName(dir, file)
	return filepath.Join(norm.NFC.String(filepath.Dir(name)), matchKey(file))
}

// relName is the stem of a file, including its folders below dir.
func relName(dir, file string) string {
	rel, err := filepath.Rel(dir, file)
	if err != nil {
		rel = filepath.Base(file)
	}
	return filepath.Join(filepath.Dir(rel), stem(rel))
}
