package eval

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ParseSubject parses what a user wants measured: a folder of another program's
// pictures as DIR or NAME=DIR, or else a model.
func ParseSubject(text string) Subject {
	if s := parseRestored(text); text != "" && isFolder(s.Restored) {
		return s
	}
	return Subject{Model: text}
}

// ParseRestored parses [NAME=]DIR[,NAME=DIR...]: other programs' pictures, named after
// their folders by default. A folder's own name may contain = and commas.
func ParseRestored(text string) (all []Subject, err error) {
	if isFolder(text) {
		return []Subject{parseRestored(text)}, nil
	}
	names := map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		s := parseRestored(part)
		switch key := strings.ToLower(s.Model); {
		case s.Restored == "" || s.Model == "":
			return nil, fmt.Errorf("--restored %s: write it as DIR, or as NAME=DIR separated by commas", text)
		case names[key]:
			return nil, fmt.Errorf("--restored %s: two are called %s: distinguish them with NAME=DIR", text, s.Model)
		default:
			names[key] = true
		}
		all = append(all, s)
	}
	return all, nil
}

// parseRestored parses NAME=DIR or DIR.
func parseRestored(text string) Subject {
	if name, dir, ok := strings.Cut(text, "="); ok && !isFolder(text) {
		return Subject{Model: name, Restored: dir}
	}
	s := Subject{Restored: text}
	if abs, err := filepath.Abs(text); err == nil && text != "" {
		s.Model = filepath.Base(abs)
	}
	return s
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
