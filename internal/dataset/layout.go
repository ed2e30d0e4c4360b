package dataset

import (
	"os"
	"path/filepath"
	"strings"
)

// layout says where the PromptIR family keeps a task's training data, below the
// root; of several folders, the first that exists. {kind} is the composition.
type layout struct {
	input, target []string
	match         matchRule
	list, listDir string // the family's list, and its folder below data_dir
	expected      int    // pairs in the whole data set
}

var layouts = map[string]layout{
	Denoise: {target: []string{"Train/Denoise"}, list: "denoise.txt", listDir: "noisy", expected: 5144},
	Derain: {input: []string{"Train/Derain/rainy"}, target: []string{"Train/Derain/gt"}, match: matchRain,
		list: "rainTrain.txt", listDir: "rainy", expected: 200},
	Dehaze: {input: []string{"Train/Dehaze/synthetic"}, target: []string{"Train/Dehaze/original"}, match: matchHaze,
		list: "hazy_outside.txt", listDir: "hazy", expected: 72135},
	Deblur:  {input: []string{"Train/Deblur/blur"}, target: []string{"Train/Deblur/sharp"}, match: matchSame, expected: 2103},
	Enhance: {input: []string{"Train/Enhance/low"}, target: []string{"Train/Enhance/gt"}, match: matchSame, expected: 485},
	CDD11: {input: []string{"cdd11/train/{kind}", "CDD-11_train/{kind}", "Train/CDD11/{kind}", "cdd11/{kind}"},
		target: []string{"cdd11/train/clear", "CDD-11_train/clear", "Train/CDD11/clear", "cdd11/clear"},
		match:  matchSame, expected: 1183},
}

// depthFolder holds depth maps for hazy images, if any.
const depthFolder = "Train/Dehaze/depth"

// overlapList names, by default, the training images that a test set shows.
const overlapList = "overlap_rain100l_test.txt"

// matchRule gives the names of clean images that belong to a degraded one, as
// match keys relative to the folder, the best first.
type matchRule func(key string) []string

// matchSame pairs files of the same name below their two folders.
func matchSame(key string) []string { return []string{key} }

// matchRain pairs rain-N with norain-N, or with rain-N as in test sets.
func matchRain(key string) []string {
	dir, name := filepath.Split(key)
	return []string{dir + "no" + name, key}
}

// matchHaze pairs ID_A_B, with A the airlight and B the scattering, and ID_K,
// with any folders in front of them, with ID.
func matchHaze(key string) []string {
	id, _, _ := strings.Cut(filepath.Base(key), "_")
	return []string{id}
}

// folders returns the folders of a part's pairs: the task's own, or those of
// the layout.
func (p part) folders(root string) (input, target string, lay layout) {
	lay = layouts[p.Kind]
	if p.Input != "" {
		lay.input, lay.target, lay.list, lay.expected = []string{p.Input}, []string{p.Target}, "", 0
	}
	if lay.match == nil {
		lay.match = matchSame
	}
	var in []string
	for _, dir := range lay.input {
		in = append(in, strings.ReplaceAll(dir, "{kind}", p.composition))
	}
	return firstFolder(root, in), firstFolder(root, lay.target), lay
}

// firstFolder returns the first of the folders that exists, or the first.
func firstFolder(root string, dirs []string) string {
	for _, d := range dirs {
		if info, err := os.Stat(under(root, d)); err == nil && info.IsDir() {
			return under(root, d)
		}
	}
	return under(root, dirs[0])
}

// under joins a folder of the layout or of the configuration to the root.
func under(root, dir string) string {
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(root, filepath.FromSlash(dir))
}

// relKey is the match key of a file with its folders below dir.
func relKey(dir, file string) string {
	rel, err := filepath.Rel(dir, file)
	if err != nil {
		rel = filepath.Base(file)
	}
	return filepath.Join(filepath.Dir(rel), matchKey(rel))
}
