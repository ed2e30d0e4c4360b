package dataset

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"clusir/internal/suggest"
	"clusir/internal/userfile"
)

//go:embed benchmarks.yaml
var standardYAML []byte

// Benchmark describes a test set: which folders, how names match, how many
// images it has in full. benchmarks.yaml explains the fields.
type Benchmark struct {
	Name     string    `yaml:"-"`
	Title    string    `yaml:"title"`
	Task     string    `yaml:"task"`
	Clean    folders   `yaml:"clean"`
	Input    folders   `yaml:"input"`
	Target   folders   `yaml:"target"`
	Match    string    `yaml:"match"`
	Sigmas   []float64 `yaml:"sigmas"`
	Made     string    `yaml:"made"`
	Kinds    []string  `yaml:"kinds"`
	Expected int       `yaml:"expected"`
	Get      string    `yaml:"get"`
	// Own tells that it is of a user's file: published numbers for a benchmark of
	// the same name are of other images.
	Own bool `yaml:"-"`
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

// Catalog is a set of benchmarks and of groups of them.
type Catalog struct {
	benchmarks map[string]*Benchmark
	groups     map[string][]string
}

var rules = map[string]matchRule{"": matchSame, "same": matchSame, "rain": matchRain, "haze": matchHaze}

// Standard returns the benchmarks of the field, from benchmarks.yaml.
func Standard() *Catalog {
	c := &Catalog{map[string]*Benchmark{}, map[string][]string{}}
	if err := c.add(standardYAML, false); err != nil {
		panic(err) // the file is ours and tested
	}
	return c
}

// AddFile adds the benchmarks and groups of a YAML file, which may stand under
// the keys benchmarks: and groups:, or benchmarks alone at the top.
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
	var doc struct {
		Benchmarks map[string]*Benchmark `yaml:"benchmarks"`
		Groups     map[string][]string   `yaml:"groups"`
	}
	keys := map[string]yaml.Node{}
	if err := yaml.Unmarshal(text, &keys); err != nil {
		return plainYAML(err)
	}
	_, benchmarks := keys["benchmarks"]
	_, groups := keys["groups"]
	into := any(&doc)
	if !benchmarks && !groups {
		into = &doc.Benchmarks
	}
	if err := decodeStrict(text, into); err != nil {
		return err
	}
	for name, b := range doc.Benchmarks {
		if err := b.check(strings.ToLower(name)); err != nil {
			return err
		}
		b.Own = own
		c.benchmarks[b.Name] = b
	}
	for name, members := range doc.Groups {
		for _, m := range members {
			if c.benchmarks[strings.ToLower(m)] == nil {
				return fmt.Errorf("group %s: there is no benchmark %q: %s", name, m, suggest.Or(m, c.Names()))
			}
		}
		c.groups[strings.ToLower(name)] = members
	}
	return nil
}

func decodeStrict(text []byte, into any) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return plainYAML(err)
	}
	if err := mustBeWhole(&doc, reflect.TypeOf(into), ""); err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return plainYAML(err)
	}
	return nil
}

func (b *Benchmark) check(name string) error {
	if b == nil {
		return fmt.Errorf("benchmark %s is empty: give it input and target", name)
	}
	b.Name = name
	if b.Title == "" {
		b.Title = name
	}
	switch {
	case b.Task != "" && kindOf(b.Task) == nil:
		return fmt.Errorf("benchmark %s: there is no task %q: %s", name, b.Task, suggest.Or(b.Task, Kinds()))
	case strings.ContainsAny(name, ",: /"):
		return fmt.Errorf("benchmark %q: a name holds no comma, colon, slash or space", name)
	case rules[b.Match] == nil:
		return fmt.Errorf("benchmark %s: there is no match %q: %s", name, b.Match, suggest.Or(b.Match, []string{"same", "rain", "haze"}))
	case len(b.Sigmas) > 0 && len(b.Clean) == 0:
		return fmt.Errorf("benchmark %s: has sigmas and no clean; name the folder of clean images", name)
	case b.Made != "" && !slices.Contains(madeKinds(), b.Made):
		return fmt.Errorf("benchmark %s: nothing called %q can be made: %s", name, b.Made, suggest.Or(b.Made, madeKinds()))
	case b.Made != "" && (len(b.Clean) == 0 || len(b.Sigmas) > 0):
		return fmt.Errorf("benchmark %s: has made %s, which goes with clean and without sigmas", name, b.Made)
	case len(b.Clean) > 0 && len(b.Sigmas) == 0 && b.Made == "":
		return fmt.Errorf("benchmark %s: has clean and no sigmas; give the noise levels, such as [15, 25, 50], or what is made of it: one of %s", name, strings.Join(madeKinds(), ", "))
	case len(b.Clean) == 0 && (len(b.Input) == 0 || len(b.Target) == 0):
		return fmt.Errorf("benchmark %s: needs input and target, or clean and sigmas", name)
	}
	return b.checkValues()
}

// checkValues holds each field to what can be.
func (b *Benchmark) checkValues() error {
	for i, s := range b.Sigmas {
		if math.IsNaN(s) || s < 0 || s > 255 || slices.Contains(b.Sigmas[:i], s) {
			return fmt.Errorf("benchmark %s: sigmas are %v; give different ones from 0 to 255", b.Name, b.Sigmas)
		}
	}
	for i, k := range b.Kinds {
		if k == "" || slices.Contains(b.Kinds[:i], k) {
			return fmt.Errorf("benchmark %s: kinds are %q; give different names", b.Name, b.Kinds)
		}
	}
	if b.Expected < 0 {
		return fmt.Errorf("benchmark %s: expected is %d; give the number of images of the whole set, or leave it out", b.Name, b.Expected)
	}
	return nil
}

// Names returns the names of all benchmarks and groups, sorted.
func (c *Catalog) Names() []string {
	var names []string
	for n := range c.benchmarks {
		names = append(names, n)
	}
	for n := range c.groups {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Resolve returns the benchmarks that a name, a group or a list of these with
// commas stands for, each once.
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
