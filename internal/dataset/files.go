package dataset

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// maxDepth bounds the descent into subfolders, so that links in a circle end.
const maxDepth = 6

// listImages lists the images in the folder and those below it, links
// followed, in the order of their paths. Other files that are visible come back
// in others. A missing folder is an empty one.
func listImages(dir string) (images, others []string, err error) {
	var walk func(dir string, depth int) error
	walk = func(dir string, depth int) error {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if strings.HasPrefix(e.Name(), ".") {
				continue
			}
			info, err := os.Stat(path)
			switch {
			case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ELOOP):
				others = append(others, path) // a link that leads nowhere
			case err != nil:
				return err // it may be an image: nothing is left out in silence
			case info.IsDir() && depth < maxDepth:
				if err := walk(path, depth+1); err != nil {
					return err
				}
			case info.Mode().IsRegular() && isImage(e.Name()):
				images = append(images, path)
			default:
				others = append(others, path)
			}
		}
		return nil
	}
	err = walk(dir, 0)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	slices.Sort(images)
	return images, others, err
}

// machines tells whether an error is the machine's and not a file's: the same
// file may be read a moment later, so it must not be left out for good.
func machines(err error) bool {
	return slices.ContainsFunc([]error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EIO}, func(e error) bool { return errors.Is(err, e) })
}

// stem is a file's name without folders and extension. A dot in a name's
// middle ("0001_0.8_0.2.jpg") ends nothing: only a known extension is cut.
func stem(path string) string {
	name := filepath.Base(path)
	if isImage(name) {
		name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	return name
}

// leadingZeros matches the zeros in front of a whole number's other digits.
var leadingZeros = regexp.MustCompile(`(^|[^0-9.])0+([0-9])`)

// matchKey is the form of a name in which pairs are matched: the stem in lower
// case with leading zeros cut from its numbers, so that rain-1.png is the
// partner of norain-001.jpg.
func matchKey(path string) string {
	return leadingZeros.ReplaceAllString(strings.ToLower(stem(path)), "$1$2")
}
