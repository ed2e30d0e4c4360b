package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"clusir/internal/strict"
	"clusir/internal/userfile"
)

// layer is the settings of one place: a file, a variable or a flag.
type layer struct {
	name    string
	lines   bool              // it is a file, with lines
	dir     string            // to which the files that it names are relative
	root    *yaml.Node        // a block; nil for none
	origins map[string]string // of each key
	extends string            // the name of the layer below, "" for Default
}

func parseLayer(name string, text []byte) (*layer, error) {
	return parse(name, text, reflect.TypeFor[Config](), false)
}

// parse parses a file, of a later version perhaps, and checks it against the fields of a
// type.
func parse(name string, text []byte, t reflect.Type, later bool) (*layer, error) {
	l := &layer{name: name, lines: true}
	var err error
	if l.root, err = userfile.YAML(text); err != nil {
		return l, fmt.Errorf("%s: %w", name, err)
	}
	return l, errors.Join(l.takeExtends(), l.check(t, later))
}

// plain returns a value of type t that is written as text; the items of a list are
// separated by commas.
func plain(t reflect.Type, text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	switch t.Kind() {
	case reflect.Slice:
		n = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for part := range strings.SplitSeq(text, ",") {
			n.Content = append(n.Content, plain(t.Elem(), part))
		}
	case reflect.Bool:
		if b, err := strconv.ParseBool(text); err == nil {
			_ = n.Encode(b) // there is a form for both
		}
	case reflect.Float64:
		if x, err := strconv.ParseFloat(text, 64); err == nil {
			_ = n.Encode(x) // NaN is .nan
		}
	case reflect.String, reflect.Struct:
		n.Tag = "!!str"
	}
	return n
}

// check checks the settings against a type and records where they are.
func (l *layer) check(t reflect.Type, later bool) error {
	l.origins = map[string]string{}
	if l.root == nil {
		return nil
	}
	c := strict.Checker{Later: later, Unknown: unknown}
	var faults []error
	for _, m := range c.Check(l.root, t) {
		faults = append(faults, fmt.Errorf("%s: %s", l.at(m.Line), m.Text))
	}
	for key, line := range c.Lines {
		l.origins[key] = l.at(line)
	}
	return errors.Join(faults...)
}

// at returns the place of a line.
func (l *layer) at(line int) string {
	if !l.lines {
		return l.name
	}
	return fmt.Sprintf("%s:%d", l.name, line)
}

// takeExtends removes the only key that is not a setting.
func (l *layer) takeExtends() error {
	i := -1
	if l.root != nil {
		i = userfile.KeyAt(l.root, "extends")
	}
	if i < 0 {
		return nil
	}
	v := l.root.Content[i+1]
	l.extends = v.Value
	l.root.Content = slices.Delete(l.root.Content, i, i+2)
	if v.Kind != yaml.ScalarNode || v.Tag != "!!str" || v.Value == "" {
		return fmt.Errorf("%s: extends must be the name of a configuration, e.g. three-task", l.at(v.Line))
	}
	if i = userfile.KeyAt(l.root, "extends"); i >= 0 {
		return fmt.Errorf("%s: extends is set a second time: keep one of the two", l.at(l.root.Content[i].Line))
	}
	return nil
}
