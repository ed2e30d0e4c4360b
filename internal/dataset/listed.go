package dataset

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Listed is a benchmark in the settings of a run: the name of one in the catalogue, or a
// description as in a benchmark file.
type Listed struct {
	Name string
	Own  *Benchmark
}

// UnmarshalText reads a name.
func (l *Listed) UnmarshalText(name []byte) error {
	*l = Listed{Name: string(name)}
	return nil
}

// MarshalYAML writes the form that ReadListed reads.
func (l Listed) MarshalYAML() (any, error) {
	if l.Own == nil {
		return l.Name, nil
	}
	return map[string]*Benchmark{l.Name: l.Own}, nil
}

// ReadListed reads a list of names and of blocks that describe benchmarks, or one such
// block. As a later version may have written it, it ignores unknown fields and does not
// check values.
func ReadListed(n *yaml.Node, later bool) ([]Listed, Mistakes) {
	items := []*yaml.Node{n}
	switch n.Kind {
	case yaml.SequenceNode:
		items = n.Content
	case yaml.MappingNode:
	default:
		return nil, Mistakes{{n.Line, "must be a list of names, e.g. [cbsd68, lol], or a block of benchmarks as in a benchmark file"}}
	}
	var list []Listed
	var mistakes Mistakes
	for _, item := range items {
		more, err := listed(item, later)
		list, mistakes = append(list, more...), append(mistakes, err...)
	}
	return list, mistakes
}

// listed reads an item of a list, of which a block may be several.
func listed(n *yaml.Node, later bool) ([]Listed, Mistakes) {
	switch {
	case n.Kind == yaml.ScalarNode && slices.Contains([]string{"!!str", "!!int", "!!float"}, n.ShortTag()) && n.Value != "":
		return []Listed{{Name: n.Value}}, nil
	case n.Kind != yaml.MappingNode:
		return nil, Mistakes{{n.Line, "each must be the name of a benchmark, or a block that describes one as in a benchmark file"}}
	}
	var blocks map[string]*Benchmark
	if mistakes := decodeStrict(n, &blocks, later); len(mistakes) > 0 {
		return nil, mistakes
	}
	own, mistakes := described(blocks)
	if later {
		mistakes = nil
	}
	var list []Listed
	for _, b := range own {
		b.Own = true
		list = append(list, Listed{b.Name, b})
	}
	return list, mistakes
}

// NamesOf returns the names in a list.
func NamesOf(list []Listed) []string {
	var names []string
	for _, l := range list {
		names = append(names, l.Name)
	}
	return names
}

// AddListed adds the benchmarks that a list describes.
func (c *Catalog) AddListed(list []Listed) error {
	for _, l := range list {
		if l.Own == nil {
			continue
		}
		if b := c.benchmarks[l.Name]; b != nil && b.Own {
			return fmt.Errorf("benchmark %s is described here and in a benchmark file: keep one of the two", l.Name)
		}
		if err := c.put(l.Own); err != nil {
			return err
		}
	}
	return nil
}
