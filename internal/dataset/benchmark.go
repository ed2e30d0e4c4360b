package dataset

import (
	"cmp"
	_ "embed"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"clusir/internal/atomicfile"
	"clusir/internal/strict"
	"clusir/internal/suggest"
	"clusir/internal/userfile"
)

//go:embed benchmarks.yaml
var standardYAML []byte

// Benchmark describes a test set: its folders, how names match, how many images it has
// in full. benchmarks.yaml explains the fields.
type Benchmark struct {
	Name     string    `yaml:"-"`
	Title    string    `yaml:"title,omitempty"`
	Task     string    `yaml:"task,omitempty"`
	Clean    folders   `yaml:"clean,omitempty"`
	Input    folders   `yaml:"input,omitempty"`
	Target   folders   `yaml:"target,omitempty"`
	Match    string    `yaml:"match,omitempty"`
	Sigmas   []float64 `yaml:"sigmas,omitempty,flow"`
	Made     string    `yaml:"made,omitempty"`
	Kinds    []string  `yaml:"kinds,omitempty"`
	Expected int       `yaml:"expected,omitempty"`
	Get      string    `yaml:"get,omitempty"`
	// Own reports that it comes from a user's file: published numbers for a benchmark of
	// the same name are about other images.
	Own  bool `yaml:"-"`
	line int  // of its description
}

// UnmarshalYAML records the line of the benchmark's description.
func (b *Benchmark) UnmarshalYAML(n *yaml.Node) error {
	type benchmark Benchmark // without this method
	b.line = n.Line
	return n.Decode((*benchmark)(b))
}

// folders is a list of folders in YAML, or a single one.
type folders []string

// UnmarshalYAML reads a string as a list of one.
func (f *folders) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
		*f = folders{n.Value}
		return nil
	}
	return n.Decode((*[]string)(f))
}

// MarshalYAML writes a list of one as a string.
func (f folders) MarshalYAML() (any, error) {
	if len(f) == 1 {
		return f[0], nil
	}
	return []string(f), nil
}

// Save writes the benchmark to a file for [Catalog.AddFile].
func (b *Benchmark) Save(path string) error {
	text, err := yaml.Marshal(map[string]*Benchmark{b.Name: b})
	if err != nil {
		return err
	}
	return atomicfile.WriteData(path, text)
}

// Catalog is a set of benchmarks and groups of benchmarks.
type Catalog struct {
	benchmarks map[string]*Benchmark
	groups     map[string][]string
}

var rules = map[string]matchRule{"": matchSame, "same": matchSame, "rain": matchRain, "haze": matchHaze}

// Standard returns the benchmarks of the field, from benchmarks.yaml.
func Standard() *Catalog {
	c := &Catalog{map[string]*Benchmark{}, map[string][]string{}}
	if err := c.add(standardYAML, false); err != nil {
		panic(err) // the file is embedded and tested
	}
	return c
}

// AddFile adds the benchmarks and groups of a YAML file: under the keys benchmarks: and
// groups:, or only benchmarks at the top level.
func (c *Catalog) AddFile(path string) error {
	text, err := userfile.ReadText(path)
	if err != nil {
		return fmt.Errorf("%w: name a YAML file of benchmarks", err)
	}
	if err := c.add(text, true); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (c *Catalog) add(text []byte, own bool) error {
	root, err := userfile.YAML(text)
	if root == nil || err != nil {
		return err
	}
	var doc struct {
		Benchmarks map[string]*Benchmark `yaml:"benchmarks"`
		Groups     map[string][]string   `yaml:"groups"`
	}
	into := any(&doc)
	if userfile.KeyAt(root, "benchmarks", "groups") < 0 {
		into = &doc.Benchmarks
	}
	if mistakes := strict.Decode(root, into, false); len(mistakes) > 0 {
		return mistakes
	}
	list, mistakes := described(doc.Benchmarks)
	if len(mistakes) > 0 {
		return mistakes
	}
	for _, b := range list {
		b.Own = own
		if err := c.put(b); err != nil {
			return err
		}
	}
	return c.addGroups(doc.Groups)
}

// put adds a benchmark, replacing one of the same name.
func (c *Catalog) put(b *Benchmark) error {
	if c.groups[b.Name] != nil {
		return strict.Mistakes{b.mistake("is also the name of a group: give it another")}
	}
	c.benchmarks[b.Name] = b
	return nil
}

func (c *Catalog) addGroups(groups map[string][]string) error {
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		lower := strings.ToLower(name)
		if c.benchmarks[lower] != nil {
			return fmt.Errorf("group %s: a benchmark has this name: give it another", name)
		}
		if len(groups[name]) == 0 {
			return fmt.Errorf("group %s is empty: list names of benchmarks", name)
		}
		for _, m := range groups[name] {
			if c.benchmarks[strings.ToLower(m)] == nil {
				return fmt.Errorf("group %s: there is no benchmark %q: %s", name, m, suggest.Or(m, c.Names()))
			}
		}
		c.groups[lower] = groups[name]
	}
	return nil
}

// described validates the benchmarks, sets their names and sorts them by name.
func described(blocks map[string]*Benchmark) ([]*Benchmark, strict.Mistakes) {
	var list []*Benchmark
	var mistakes strict.Mistakes
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(blocks)) {
		b, lower := blocks[name], strings.ToLower(name)
		switch {
		case b == nil:
			mistakes = append(mistakes, strict.Mistake{Text: fmt.Sprintf("benchmark %s is empty: give it input and target", name)})
			continue
		case seen[lower]:
			mistakes = append(mistakes, strict.Mistake{Line: b.line, Text: fmt.Sprintf("benchmark %s is described twice: names differ in more than capitals", lower)})
		}
		seen[lower] = true
		b.Name, b.Title = lower, cmp.Or(b.Title, lower)
		mistakes = append(mistakes, b.check()...)
		list = append(list, b)
	}
	return list, mistakes
}

func (b *Benchmark) mistake(format string, a ...any) strict.Mistake {
	return strict.Mistake{Line: b.line, Text: "benchmark " + b.Name + ": " + fmt.Sprintf(format, a...)}
}

// check returns what prevents the benchmark from being measured.
func (b *Benchmark) check() strict.Mistakes {
	var mistakes strict.Mistakes
	need := func(ok bool, format string, a ...any) {
		if !ok {
			mistakes = append(mistakes, b.mistake(format, a...))
		}
	}
	noise := len(b.Sigmas) > 0
	switch {
	case strings.Trim(b.Name, ".") == "" || strings.ContainsFunc(b.Name, notInNames): // --save makes a folder of it
		return strict.Mistakes{{Line: b.line, Text: fmt.Sprintf("benchmark %q: a name is not empty or of dots alone, and holds no comma, colon, slash, backslash or space", b.Name)}}
	case len(b.Clean) == 0:
		need(!noise, "has sigmas and no clean; name the folder of clean images")
		need(b.Made == "", "has made %s and no clean; it goes with clean, the folder of clean images, and without sigmas", b.Made)
		need(noise || b.Made != "" || len(b.Input) > 0 && len(b.Target) > 0, "needs input and target, or clean and sigmas")
	default:
		need(b.Made == "" || !noise, "has made %s, which goes with clean and without sigmas", b.Made)
		need(b.Made != "" || noise, "has clean and no sigmas; give the noise levels, such as [15, 25, 50], or what is made of it: one of %s",
			strings.Join(madeKinds(), ", "))
		need(len(b.Input) == 0 && len(b.Target) == 0, "has clean, of which input and target are made; leave out either clean or these")
	}
	need(b.Task == "" || kindOf(b.Task) != nil, "there is no task %q: %s", b.Task, suggest.Or(b.Task, Kinds()))
	need(rules[b.Match] != nil, "there is no match %q: %s", b.Match, suggest.Or(b.Match, []string{"same", "rain", "haze"}))
	need(b.Made == "" || slices.Contains(madeKinds(), b.Made), "nothing called %q can be made: %s", b.Made, suggest.Or(b.Made, madeKinds()))
	for i, s := range b.Sigmas {
		need(s >= 0 && s <= 255 && !slices.Contains(b.Sigmas[:i], s), "sigmas are %v; give different ones from 0 to 255", b.Sigmas)
	}
	for i, k := range b.Kinds {
		need(k != "" && !slices.Contains(b.Kinds[:i], k), "kinds are %q; give different names", b.Kinds)
		need(k == "" || filepath.IsLocal(k), "kind %q leads out of its folder; give the name of one below it", k)
	}
	need(b.Expected >= 0, "expected is %d; give the number of images of the whole set, or leave it out", b.Expected)
	return mistakes
}

// notInNames reports whether r has a meaning in lists of names, results or commands.
func notInNames(r rune) bool {
	return strings.ContainsRune(`,:/\`, r) || unicode.IsSpace(r) || unicode.IsControl(r)
}

// Names returns the names of all benchmarks and groups, sorted.
func (c *Catalog) Names() []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(c.benchmarks)), maps.Keys(c.groups))
	slices.Sort(names)
	return names
}

// Resolve returns the benchmarks that names stands for, each once: a benchmark, a
// group, or a list of these separated by commas.
func (c *Catalog) Resolve(names string) ([]*Benchmark, error) {
	var out []*Benchmark
	for name := range strings.SplitSeq(names, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		members := c.groups[name]
		if members == nil {
			members = []string{name}
		}
		for _, m := range members {
			b := c.benchmarks[strings.ToLower(m)]
			if b == nil {
				return nil, fmt.Errorf("there is no benchmark %q: %s", m, suggest.Or(m, c.Names()))
			}
			if !slices.Contains(out, b) {
				out = append(out, b)
			}
		}
	}
	return out, nil
}
