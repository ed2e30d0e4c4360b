package restore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"clusir/internal/imageio"
	"clusir/internal/usage"
	"clusir/internal/userfile"
)

// source is one picture that a request found.
type source struct {
	path string // or Std
	rel  string // path below the folder or the pattern's fixed part, to be mirrored
	many bool   // it came from a folder or a pattern
	err  error  // it exists, but cannot be read
}

// format returns the format for a result whose name does not determine it: the
// picture's own, or PNG if the picture cannot be read, which the job will report.
func (s source) format() imageio.Format {
	if s.path != Std && s.err == nil {
		if f, err := imageio.FormatOfFile(s.path); err == nil {
			return f
		}
	}
	return imageio.PNG
}

// sources finds the pictures of the request, in the order of its inputs.
func (r Request) sources() (found []source, ignored map[string]int, err error) {
	ignored = map[string]int{}
	folders := map[string]bool{}
	for _, input := range r.Inputs {
		info, err := os.Stat(input)
		switch {
		case input == Std:
			if len(r.Inputs) > 1 || r.Into || r.Output == "" {
				return nil, nil, usage.Errorf("standard input (-) is one picture without a name: restore it alone, into a file or -")
			}
			found = append(found, source{path: Std})
		case err == nil && info.IsDir() && folders[absolute(input)]:
			return nil, nil, usage.Errorf("the folder %s is named twice: name it once", input)
		case err == nil && info.IsDir():
			folders[absolute(input)] = true
			below, others, err := r.walk(input)
			if err != nil {
				return nil, nil, err
			}
			found = append(found, below...)
			for kind, n := range others {
				ignored[kind] += n
			}
		case err != nil && strings.ContainsAny(input, "*?[{"):
			matches, err := r.match(input)
			if err != nil {
				return nil, nil, err
			}
			found = append(found, matches...)
		default:
			found = append(found, source{path: input, rel: filepath.Base(input), err: unreadable(input, info, err)})
		}
	}
	return found, ignored, nil
}

// unreadable explains why a file cannot be opened as a picture.
func unreadable(path string, info fs.FileInfo, err error) error {
	if err != nil {
		return userfile.Unreadable(path, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("cannot read %s: it is a device or a pipe: use - to read standard input", path)
	}
	return nil
}

// hidden is the key among extensions for pictures whose names begin with a dot.
const hidden = "hidden"

// walk lists the pictures below a folder in name order. It ignores hidden files and the
// results of an earlier run.
func (r Request) walk(root string) (found []source, ignored map[string]int, err error) {
	ignored = map[string]int{}
	results, beside := r.resultFolders(), r.besideIn(root)
	// A link to a folder is only followed at the root, because links can form circles.
	err = filepath.WalkDir(filepath.Clean(root)+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path) // both are absolute, or neither is
		switch {
		case err != nil:
			found = append(found, source{path: path, rel: rel, many: true, err: userfile.Unreadable(path, err)})
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
		case rel == ".":
		case userfile.Hidden(d.Name()) || d.IsDir() && results[absolute(path)]:
			if d.IsDir() {
				return fs.SkipDir
			}
			if isPicture(path) {
				ignored[hidden]++
			}
		case d.IsDir():
		case !isPicture(path) || beside && r.isResult(path):
			ignored[strings.ToLower(filepath.Ext(path))]++
		default:
			info, err := os.Stat(path)
			found = append(found, source{path: path, rel: rel, many: true, err: unreadable(path, info, err)})
		}
		return nil
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%s holds no pictures: their names end in %s", root, imageio.Extensions())
		if len(ignored) > 0 {
			err = fmt.Errorf("%w; %s", err, leftAlone(ignored))
		}
	}
	return found, ignored, err
}

// resultFolders returns the folders that results go to.
func (r Request) resultFolders() map[string]bool {
	folders := map[string]bool{}
	for _, name := range []string{r.Output, r.Compare} {
		if name != "" && name != Std {
			folders[absolute(name)] = true
		}
	}
	return folders
}

// isPicture reports, by its name, whether a file may be a picture.
func isPicture(path string) bool {
	_, err := imageio.FormatOf(path)
	return err == nil
}

// besideIn reports whether the results of pictures in a folder go next to them.
func (r Request) besideIn(root string) bool {
	return r.Output == "" || absolute(r.Output) == absolute(root)
}

// isResult reports whether a file next to the inputs was made from one of them.
func (r Request) isResult(path string) bool {
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return strings.HasSuffix(stem, mapSuffix) || r.Suffix != "" && strings.HasSuffix(stem, r.Suffix)
}

// match lists the files that match a pattern, in which ** stands for folders, and the
// folders that cannot be read. Like walk, it ignores hidden files and the results of an
// earlier run, and ** follows no links.
func (r Request) match(pattern string) (found []source, err error) {
	base, rest := doublestar.SplitPattern(filepath.ToSlash(filepath.Clean(pattern)))
	root := filepath.FromSlash(base)
	beside := r.besideIn(root)
	folders := &folders{FS: os.DirFS(root), root: root, left: r.resultFolders()}
	options := []doublestar.GlobOption{doublestar.WithFilesOnly(), doublestar.WithNoHidden()}
	if strings.Contains(rest, "**") {
		options = append(options, doublestar.WithNoFollow())
	}
	matches, err := doublestar.Glob(folders, rest, options...)
	if err != nil {
		return nil, usage.Errorf("%s: not a valid pattern (%w): close each [ and {", pattern, err)
	}
	for _, name := range matches {
		rel := filepath.FromSlash(name)
		path := filepath.Join(root, rel)
		info, err := os.Stat(path)
		if err == nil && info.IsDir() || beside && r.isResult(path) { // a link that is not followed is among the files
			continue
		}
		found = append(found, source{path: path, rel: rel, many: true, err: unreadable(path, info, err)})
	}
	found = append(found, folders.unreadable...)
	if len(found) == 0 {
		return nil, fmt.Errorf("cannot read %s: no file has that name or fits that pattern", pattern)
	}
	return found, nil
}

// folders is the file system in which match searches.
type folders struct {
	fs.FS
	root       string
	left       map[string]bool // folders of results
	unreadable []source
}

// Stat implements fs.StatFS, also for folders that cannot be opened.
func (f *folders) Stat(name string) (fs.FileInfo, error) { return fs.Stat(f.FS, name) }

// ReadDir implements fs.ReadDirFS without the folders of results, and records the
// errors, which a search ignores. A search may read a folder several times.
func (f *folders) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(f.FS, name)
	rel := filepath.FromSlash(name)
	path := filepath.Join(f.root, rel)
	known := slices.ContainsFunc(f.unreadable, func(s source) bool { return s.path == path })
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !known {
		f.unreadable = append(f.unreadable, source{path: path, rel: rel, many: true, err: userfile.Unreadable(path, err)})
	}
	return slices.DeleteFunc(entries, func(d fs.DirEntry) bool {
		return d.IsDir() && f.left[absolute(filepath.Join(path, d.Name()))]
	}), err
}
