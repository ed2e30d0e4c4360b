package eval

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"clusir/internal/usage"
	"clusir/weights"
)

// parseSubject parses what a user wants measured: a model of the binary, a folder of
// another program's pictures as DIR or NAME=DIR, or else a model's file.
func parseSubject(text string) Subject {
	if s := parseRestored(text); text != "" && !embedded(text) && isFolder(s.Restored) {
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
	names := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		s := parseRestored(part)
		switch key := strings.ToLower(inFileNames(s.Model)); {
		case s.Restored == "" || s.Model == "":
			return nil, fmt.Errorf("--restored %s: write it as DIR, or as NAME=DIR separated by commas", text)
		case strings.EqualFold(names[key], s.Model):
			return nil, fmt.Errorf("--restored %s: two are called %s: distinguish them with NAME=DIR", text, s.Model)
		case names[key] != "":
			return nil, fmt.Errorf("--restored %s: results of %s and %s would be in one file, %s.jsonl: give one another name", text, names[key], s.Model, inFileNames(s.Model))
		default:
			names[key] = s.Model
		}
		all = append(all, s)
	}
	return all, nil
}

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

// embedded reports whether the binary has a model of a name, which then means it and not a
// file or folder.
func embedded(name string) bool {
	_, ok := weights.Find(name)
	return ok
}

// Side is one of those that are compared, ranked or put into a table: a network,
// another program's pictures, or results.
type Side struct {
	Name string // of its row, or of its results file in the runner's folder
	Subject
	Files []string // of results, if they need not be measured
}

// Measured reports whether a side is measured, and not read from results.
func (s Side) Measured() bool { return s.Files == nil }

// letters name the sides of a comparison.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// ParseSides parses what a user wants compared: results files separated by commas, or
// what parseSubject takes.
func ParseSides(texts []string) (sides []Side, err error) {
	if len(texts) > len(letters) {
		return nil, usage.Errorf("%d are too many to compare: name at most %d", len(texts), len(letters))
	}
	for i, text := range texts {
		s := Side{Name: letters[i : i+1], Subject: parseSubject(text)}
		files := strings.Split(text, ",")
		if results, err := areResults(files); err != nil {
			return nil, err
		} else if results {
			s.Files = files
		}
		sides = append(sides, s)
	}
	return sides, nil
}

// areResults reports whether files are of results. It is an error if the first is only
// named like one. A pipe, which can be read once, is no model, so it is not looked into.
func areResults(files []string) (bool, error) {
	if info, err := os.Stat(files[0]); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return true, nil
	}
	if filepath.Ext(files[0]) != ".jsonl" || isFolder(files[0]) || resultsFormat.Is(files[0]) {
		return resultsFormat.Is(files[0]), nil
	}
	_, err := openResults(files[0])
	return true, err
}

// ParseRows parses texts of the form NAME=FILE[,FILE], which name what fills a row of a
// table: a checkpoint, a folder of pictures that another program restored, or results
// files.
func ParseRows(texts []string) (rows []Side, err error) {
	for _, text := range texts {
		name, source, ok := strings.Cut(text, "=")
		if !ok || name == "" || source == "" {
			return nil, usage.Errorf("--row %s: write it as NAME=FILE", text)
		}
		s := Side{Name: name, Subject: Subject{Model: source}}
		files := strings.Split(source, ",")
		results, err := areResults(files)
		switch {
		case err != nil:
			return nil, err
		case isFolder(source) && !embedded(source):
			s.Subject = Subject{Model: name, Restored: source}
		case results:
			s.Files = files
		case len(files) > 1:
			return nil, fmt.Errorf("row %s: several files must all be results, but %s is not; name one checkpoint, or only results", name, files[0])
		}
		rows = append(rows, s)
	}
	return rows, nil
}
