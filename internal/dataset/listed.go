package dataset

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"clusir/internal/strict"
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

// MarshalYAML writes the form that a List reads.
func (l Listed) MarshalYAML() (any, error) {
	if l.Own == nil {
		return l.Name, nil
	}
	return map[string]*Benchmark{l.Name: l.Own}, nil
}

// List is a list of names and of blocks that describe benchmarks, or one such block.
type List []Listed

// UnmarshalYAML reads a list that CheckYAML accepts.
func (l *List) UnmarshalYAML(n *yaml.Node) error {
	*l, _ = readListed(n, true)
	return nil
}

// CheckYAML returns the mistakes in a list. A later version's may have unknown fields and
// values.
func (*List) CheckYAML(n *yaml.Node, later bool) strict.Mistakes {
	_, mistakes := readListed(n, later)
	return mistakes
}

func readListed(n *yaml.Node, later bool) (list List, mistakes strict.Mistakes) {
	items := []*yaml.Node{n}
	switch n.Kind {
	case yaml.SequenceNode:
		items = n.Content
	case yaml.MappingNode:
	default:
		return nil, strict.Mistakes{{Line: n.Line, Text: "must be a list of names, e.g. [cbsd68, lol], or a block of benchmarks as in a benchmark file"}}
	}
	for _, item := range items {
		if item.Kind == yaml.AliasNode {
			item = item.Alias
		}
		if item.Kind == yaml.ScalarNode && slices.Contains([]string{"!!str", "!!int", "!!float"}, item.ShortTag()) && item.Value != "" {
			list = append(list, Listed{Name: item.Value})
			continue
		}
		var blocks map[string]*Benchmark
		more := strict.Mistakes{{Line: item.Line, Text: "each must be the name of a benchmark, or a block that describes one as in a benchmark file"}}
		if item.Kind == yaml.MappingNode {
			more = strict.Decode(item, &blocks, later)
		}
		if len(more) > 0 {
			mistakes = append(mistakes, more...)
			continue
		}
		own, more := described(blocks)
		if !later {
			mistakes = append(mistakes, more...)
		}
		for _, b := range own {
			b.Own = true
			list = append(list, Listed{b.Name, b})
		}
	}
	return list, mistakes
}

// NamesOf returns the names in a list.
func NamesOf(list List) []string {
	var names []string
	for _, l := range list {
		names = append(names, l.Name)
	}
	return names
}

// AddListed adds the benchmarks that a list describes.
func (c *Catalog) AddListed(list List) error {
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
