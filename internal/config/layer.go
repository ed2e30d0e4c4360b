package config

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"clusir/internal/dataset"
	"clusir/internal/usage"
	"clusir/internal/userfile"
)

// layer is one file's settings.
type layer struct {
	values  map[string]any
	origins map[string]string // of each key: file:line
	extends string            // the name of the layer below, "" for Default
	faults  []string
	name    string
	later   bool // it may be of a later version: ignore unknown keys
}

// parseLayer parses a YAML document and checks it against the fields of Config.
func parseLayer(name string, text []byte) (*layer, error) {
	l := newLayer(name)
	root, err := l.document(text)
	if root == nil || err != nil {
		return l, err
	}
	l.settings(root)
	return l, l.err()
}

// parsePair parses a value of the key with the given names.
func parsePair(name string, names []string, value string) (*layer, error) {
	l := newLayer(name)
	root, err := l.document([]byte(value))
	if err != nil {
		return nil, err
	}
	if root == nil {
		root = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: 1}
	}
	for _, key := range slices.Backward(names) {
		k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key, Line: 1}
		root = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1, Content: []*yaml.Node{k, root}}
	}
	l.settings(root)
	return l, l.err()
}

// settings reads a whole document.
func (l *layer) settings(root *yaml.Node) {
	l.takeExtends(root)
	l.section(root, reflect.TypeFor[Config](), "", l.values)
}

func newLayer(name string) *layer {
	return &layer{name: name, values: map[string]any{}, origins: map[string]string{}}
}

// document returns the root of the only YAML document in a text, nil if there is nothing
// but comments.
func (l *layer) document(text []byte) (*yaml.Node, error) {
	root, err := userfile.YAML(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.name, err)
	}
	return root, nil
}

// err returns all faults as one error.
func (l *layer) err() error {
	if len(l.faults) == 0 {
		return nil
	}
	return errors.New(strings.Join(l.faults, "\n"))
}

func (l *layer) fault(n *yaml.Node, format string, a ...any) {
	l.faults = append(l.faults, fmt.Sprintf("%s:%d: ", l.name, n.Line)+fmt.Sprintf(format, a...))
}

// keyAt returns the position of the first of the keys in a block, -1 if it has none.
func keyAt(n *yaml.Node, keys ...string) int {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		if slices.Contains(keys, n.Content[i].Value) {
			return i
		}
	}
	return -1
}

// takeExtends removes the only key that is not a setting.
func (l *layer) takeExtends(root *yaml.Node) {
	i := keyAt(root, "extends")
	if i < 0 {
		return
	}
	v := root.Content[i+1]
	if v.Kind != yaml.ScalarNode || v.Tag != "!!str" || v.Value == "" {
		l.fault(v, "extends must be the name of a configuration, e.g. three-task")
	}
	l.extends = v.Value
	root.Content = slices.Delete(root.Content, i, i+2)
}

// section reads a mapping into dst, one entry per field of the struct type t.
func (l *layer) section(n *yaml.Node, t reflect.Type, prefix string, dst map[string]any) {
	if n.Kind == yaml.AliasNode {
		l.fault(n, "%s is an alias: write its keys out", strings.TrimSuffix(prefix, "."))
		return
	}
	if n.Kind != yaml.MappingNode {
		l.fault(n, "%s must be a block of keys", cmp.Or(strings.TrimSuffix(prefix, "."), "a configuration"))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		key := prefix + k.Value
		field, ok := fieldOf(t, k.Value)
		switch {
		case !ok && l.later:
			continue
		case k.Tag == "!!merge":
			l.fault(k, "%s<< merges keys: write them out, or extend a configuration", prefix)
			continue
		case !ok:
			l.fault(k, "%s", unknown(t, prefix, k.Value))
			continue
		case l.origins[key] != "":
			l.fault(k, "%s is set a second time: keep one of the two", key)
			continue
		}
		l.origins[key] = fmt.Sprintf("%s:%d", l.name, v.Line)
		if field.Type.Kind() == reflect.Struct {
			sub := map[string]any{}
			dst[k.Value] = sub
			l.section(v, field.Type, key+".", sub)
		} else if x, ok := l.value(v, field.Type, key); ok {
			dst[k.Value] = x
		}
	}
}

// value reads a value that is not a section: a scalar, or a list of scalars or structs.
func (l *layer) value(n *yaml.Node, t reflect.Type, key string) (any, bool) {
	if n.Kind == yaml.AliasNode {
		l.fault(n, "%s is an alias: write the value out", key)
		return nil, false
	}
	if n.Tag == "!!null" {
		l.fault(n, "%s has no value: give it one, or leave the key out", key)
		return nil, false
	}
	if t == reflect.TypeFor[[]dataset.Listed]() {
		return l.benchmarks(n, key)
	}
	if t.Kind() == reflect.Slice {
		return l.list(n, t.Elem(), key)
	}
	if t.Kind() != reflect.String && usage.Octal(n.Value) {
		l.fault(n, "%s: %s could be octal: write it without the zero in front", key, n.Value)
		return nil, false
	}
	p := reflect.New(t)
	if n.Kind != yaml.ScalarNode || !slices.Contains(tags[t.Kind()], n.ShortTag()) || n.Decode(p.Interface()) != nil {
		l.fault(n, "%s: must be %s", key, described[t.Kind()])
		return nil, false
	}
	return p.Elem().Interface(), true
}

// benchmarks reads names and descriptions of benchmarks, with the error messages of a
// benchmark file.
func (l *layer) benchmarks(n *yaml.Node, key string) (any, bool) {
	list, mistakes := dataset.ReadListed(n, l.later)
	for _, m := range mistakes {
		l.faults = append(l.faults, fmt.Sprintf("%s:%d: %s: %s", l.name, cmp.Or(m.Line, n.Line), key, m.Text))
	}
	return list, len(mistakes) == 0
}

func (l *layer) list(n *yaml.Node, t reflect.Type, key string) (any, bool) {
	if n.Kind != yaml.SequenceNode {
		like := "[a, b]"
		if n.Kind == yaml.ScalarNode && t.Kind() != reflect.Struct {
			like = "[" + n.Value + "]"
		}
		l.fault(n, "%s must be a list, e.g. %s", key, like)
		return nil, false
	}
	list := make([]any, 0, len(n.Content))
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", key, i)
		l.origins[at] = fmt.Sprintf("%s:%d", l.name, item.Line)
		if t.Kind() == reflect.Struct {
			sub := map[string]any{}
			list = append(list, sub)
			l.section(item, t, at+".", sub)
		} else if x, ok := l.value(item, t, at); ok {
			list = append(list, x)
		}
	}
	return list, true
}

// tags holds the YAML types that a field accepts. Decode alone would truncate 1.5 to an
// integer. A folder may be named 5.
var tags = map[reflect.Kind][]string{
	reflect.Bool:    {"!!bool"},
	reflect.Int:     {"!!int"},
	reflect.Uint64:  {"!!int"},
	reflect.Float64: {"!!float", "!!int"},
	reflect.String:  {"!!str", "!!int", "!!float"},
}

// described describes values of a setting's kind.
var described = map[reflect.Kind]string{
	reflect.Bool:    "true or false",
	reflect.Int:     "a whole number",
	reflect.Uint64:  "a whole number, 0 or more",
	reflect.Float64: "a number",
	reflect.Slice:   "a list, e.g. 1,2,3",
	reflect.String:  "text",
}
