package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"clusir/internal/userfile"
)

// nameList is a list of image names as used by the PromptIR family: denoise.txt,
// rainTrain.txt, hazy_outside.txt.
type nameList struct {
	Path  string
	seen  map[string]bool // whether there was a file, by name
	loose map[string]string
	files map[string]bool // those named with their folders
}

// readList reads a list file: one name per line. It skips blank lines and lines that
// start with #, and ignores folders in front of a name unless they lead from one of the
// given ones to a file: then the line means this file alone.
func readList(file string, from ...string) (*nameList, error) {
	text, err := userfile.ReadText(file)
	if err != nil {
		return nil, fmt.Errorf("list of images: %w", err)
	}
	l := &nameList{Path: file, seen: map[string]bool{}, loose: map[string]string{}, files: map[string]bool{}}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		folders := strings.LastIndexAny(line, `/\`) + 1
		if folders > 0 && slices.ContainsFunc(from, func(dir string) bool { return l.addFile(under(dir, line)) }) {
			continue
		}
		name := fold(stem(line[folders:]))
		if name == "" || name == "." {
			continue
		}
		l.seen[name] = false
		l.loose[matchKey(name)] = name
	}
	return l, nil
}

// addFile adds an image, if there is one of that path.
func (l *nameList) addFile(path string) bool {
	real, err := realPath(path)
	if err != nil || !isImage(path) {
		return false
	}
	l.files[real] = true
	return true
}

// names reports whether the list means the file by its name or its path.
func (l *nameList) names(file string) bool {
	found, _ := l.find(file)
	return found || l.namesPath(file)
}

func (l *nameList) namesPath(file string) bool {
	if len(l.files) == 0 {
		return false
	}
	real, err := realPath(file)
	return err == nil && l.files[real]
}

// realPath returns the one path of a file to which several may lead.
func realPath(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(real)
}

// find reports whether the list names the file, and marks the name as seen. The
// spelling may differ in three ways that occur in practice: upper case; BSD images with
// or without the "a" in front of their number, which renamed reports; leading zeros,
// except in names that are only a number (Waterloo has 03063.bmp and BSD a3063.jpg, two
// images).
func (l *nameList) find(file string) (found, renamed bool) {
	s := fold(stem(file))
	other, isBSD := strings.CutPrefix(s, "a")
	if !isBSD {
		other = "a" + s
	}
	loose, hasLoose := l.loose[matchKey(s)]
	switch {
	case l.mark(s):
		return true, false
	case isNumber(strings.TrimPrefix(s, "a")) && l.mark(other):
		return true, true
	case hasLoose && !isNumber(s):
		return l.mark(loose), false
	}
	return false, false
}

func (l *nameList) mark(name string) bool {
	_, ok := l.seen[name]
	if ok {
		l.seen[name] = true
	}
	return ok
}

// unseen returns the names for which find was given no file, sorted.
func (l *nameList) unseen() []string {
	names := slices.Sorted(maps.Keys(l.seen))
	return slices.DeleteFunc(names, func(name string) bool { return l.seen[name] })
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// findList looks for a list of the PromptIR family in its usual places: in the root, in
// Train, in the task's folder, or in data_dir inside or next to the root. It returns
// nil if there is none.
func findList(root, taskDir, sub, name string) (*nameList, error) {
	for _, dir := range []string{
		root, filepath.Join(root, sub), filepath.Join(root, "Train"), taskDir,
		filepath.Join(root, "data_dir", sub), filepath.Join(root, "..", "data_dir", sub),
	} {
		l, err := readList(filepath.Join(dir, name))
		if !errors.Is(err, fs.ErrNotExist) {
			return l, err
		}
	}
	return nil, nil
}
