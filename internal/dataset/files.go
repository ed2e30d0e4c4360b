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

	"clusir/internal/imageio"
	"clusir/internal/userfile"
)

const maxDepth = 6

// listImages lists the images in the folder and its subfolders, following links, in
// path order. others are all other visible files, and links to a folder around them: its
// images count once. A missing folder counts as empty.
func listImages(dir string) (images, others []string, err error) {
	var walk func(dir string, around []fs.FileInfo) error
	walk = func(dir string, around []fs.FileInfo) error {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		own, err := os.Stat(dir)
		if err != nil {
			return err
		}
		around = append(slices.Clone(around), own)
		isAround := func(i fs.FileInfo) bool {
			return slices.ContainsFunc(around, func(a fs.FileInfo) bool { return os.SameFile(a, i) })
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if userfile.Hidden(e.Name()) || isCurve(e.Name(), entries) {
				continue
			}
			info, err := os.Stat(path)
			switch {
			case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ELOOP):
				others = append(others, path) // a dangling link
			case err != nil:
				return err // it may be an image: nothing is left out silently
			case info.IsDir() && len(around) <= maxDepth && !isAround(info):
				if err := walk(path, around); err != nil {
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
	err = walk(dir, nil)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if at := new(fs.PathError); errors.As(err, &at) {
		err = userfile.Unreadable(at.Path, err)
	}
	slices.Sort(images)
	return images, others, err
}

// other says why a file that is not named like an image is not used.
func other(path string) Skip {
	info, err := os.Stat(path)
	switch {
	case err != nil && isImage(path): // a link to what is not there
		return Skip{path, Unreadable, userfile.Unreadable(path, err).Error()}
	case err == nil && info.Mode().IsRegular():
		if _, err := imageio.FormatOfFile(path); errors.Is(err, imageio.ErrOther) {
			return Skip{path, NotRead, err.Error()}
		}
	}
	return Skip{path, NotImage, ""}
}

// The log and the curve in the folder of a training run.
const (
	RunLog   = "log.jsonl"
	RunCurve = "curve.png"
)

// isCurve reports whether a file is the curve that a training run draws next to its log: the
// run's folder may be among the photographs.
func isCurve(name string, folder []fs.DirEntry) bool {
	return name == RunCurve && slices.ContainsFunc(folder, func(e fs.DirEntry) bool { return e.Name() == RunLog })
}

// isMachineFault reports whether an error is the machine's fault and not the file's. The file
// may be readable a moment later, so it must not be left out for good.
func isMachineFault(err error) bool {
	return slices.ContainsFunc([]error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EIO}, func(e error) bool { return errors.Is(err, e) })
}

// stem returns a file's name without folders and extension. Only a known extension is
// cut off, so that a name may contain dots ("0001_0.8_0.2.jpg").
func stem(path string) string {
	name := filepath.Base(path)
	if isImage(name) {
		name = strings.TrimSuffix(name, filepath.Ext(name))
	}
	return name
}

var leadingZeros = regexp.MustCompile(`(^|[^0-9.])0+([0-9])`)

// matchKey returns the form of a name by which pairs are matched: the folded stem
// without leading zeros in its numbers, so that rain-1.png matches norain-001.jpg.
func matchKey(path string) string {
	return leadingZeros.ReplaceAllString(fold(stem(path)), "$1$2")
}
