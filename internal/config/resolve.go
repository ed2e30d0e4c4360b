package config

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"clusir/configs"
	"clusir/internal/suggest"
	"clusir/internal/userfile"
)

const extension = ".yaml"

// maxSize is far above any configuration, and keeps a wrong file from filling the
// memory.
const maxSize = 1 << 20

// maxDepth is how many configurations may extend each other.
const maxDepth = 16

// resolver finds configurations by name: first on the disk, then among the embedded
// ones. It holds the files and embedded names already in the chain of extends: a name
// never refers to the same file twice, so that a file can extend the embedded
// configuration of the same name.
type resolver map[string]bool

// layers returns the layers of name, the lowest first. Names are relative to folder
// dir; "" stands for the embedded configurations, which extend each other regardless of
// the working folder.
func (r resolver) layers(name, dir string) ([]*layer, error) {
	l, next, err := r.find(name, dir)
	if err != nil {
		return nil, err
	}
	return r.under(l, next)
}

// under returns l and the layers below it, whose names are relative to folder dir.
func (r resolver) under(l *layer, dir string) ([]*layer, error) {
	if l.extends == "" {
		return []*layer{l}, nil
	}
	if len(r) > maxDepth {
		return nil, fmt.Errorf("%s: more than %d configurations extend each other", l.name, maxDepth)
	}
	below, err := r.layers(l.extends, dir)
	if err != nil {
		return nil, fmt.Errorf("%s extends %s: %w", l.name, l.extends, err)
	}
	return append(below, l), nil
}

// find reads the configuration called name, relative to folder dir; next is the folder
// to which what it extends is relative.
func (r resolver) find(name, dir string) (l *layer, next string, err error) {
	file := name
	if !strings.HasSuffix(file, extension) && !strings.HasSuffix(file, ".yml") {
		file += extension
	}
	var path, other string
	if dir != "" {
		path, other = within(dir, file), within(dir, name)
		if r.usable(path) {
			l, err := readLayer(path)
			return l, filepath.Dir(path), err
		}
	}
	if b, err := fs.ReadFile(configs.FS, file); err == nil {
		if !r.first(file) {
			return nil, "", fmt.Errorf("%s extends itself", file)
		}
		l, err = parseLayer(file, b)
		return l, "", err
	}
	for _, path := range []string{path, other} {
		if path != "" && r.used(path) {
			return nil, "", fmt.Errorf("%s extends itself", path)
		}
	}
	if _, err := os.Stat(other); err == nil { // a pipe, or a file of another extension
		r.usable(other)
		l, err := readLayer(other)
		return l, filepath.Dir(other), err
	}
	return nil, "", missing(name)
}

// within returns a path relative to folder dir.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// usable reports whether path is a file that has not been read yet.
func (r resolver) usable(path string) bool {
	info, err := os.Stat(path)
	abs, absErr := filepath.Abs(path)
	return err == nil && absErr == nil && !info.IsDir() && r.first(abs)
}

// used reports whether path is a file that has been read.
func (r resolver) used(path string) bool {
	abs, err := filepath.Abs(path)
	return err == nil && r[abs]
}

// first reports whether id is new.
func (r resolver) first(id string) bool {
	was := r[id]
	r[id] = true
	return !was
}

func readLayer(path string) (*layer, error) {
	b, err := readFile(path)
	if err != nil {
		return nil, err
	}
	l, err := parseLayer(path, b)
	if err == nil {
		l.dir = filepath.Dir(path)
	}
	return l, err
}

func readFile(path string) ([]byte, error) {
	f, err := userfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxSize {
		return nil, fmt.Errorf("%s is larger than %d bytes: it is not a configuration", path, maxSize)
	}
	return userfile.Decode(b), nil
}

// missing returns an error that names what exists instead.
func missing(name string) error {
	names := Names()
	hint := ""
	if near, ok := suggest.Nearest(strings.TrimSuffix(name, extension), names); ok {
		hint = fmt.Sprintf(" Did you mean %s?", near)
	}
	return fmt.Errorf("no configuration %s: there is no such file, and the built-in ones are %s.%s",
		name, strings.Join(names, ", "), hint)
}

// Names lists the embedded configurations.
func Names() []string {
	files, err := fs.Glob(configs.FS, "*"+extension)
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(f, extension)
	}
	return files
}
