package dataset

import (
	"path/filepath"
	"strings"
)

// layout says where the PromptIR family keeps a task's training data.
type layout struct {
	input, target string // folders below the root
	match         matchRule
	list, listDir string // the family's list, and its folder below data_dir
	expected      int    // pairs in the whole data set
}

var layouts = map[string]layout{
	Denoise: {target: "Train/Denoise", list: "denoise.txt", listDir: "noisy", expected: 5144},
	Derain: {input: "Train/Derain/rainy", target: "Train/Derain/gt", match: matchRain,
		list: "rainTrain.txt", listDir: "rainy", expected: 200},
	Dehaze: {input: "Train/Dehaze/synthetic", target: "Train/Dehaze/original", match: matchHaze,
		list: "hazy_outside.txt", listDir: "hazy", expected: 72135},
	Deblur:  {input: "Train/Deblur/blur", target: "Train/Deblur/sharp", expected: 2103},
	Enhance: {input: "Train/Enhance/low", target: "Train/Enhance/gt", expected: 485},
}

// overlapList names, by default, the training images that a test set shows.
const overlapList = "Train/overlap_rain100l_test.txt"

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
