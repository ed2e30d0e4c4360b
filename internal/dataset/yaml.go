package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"clusir/internal/suggest"
	"clusir/internal/usage"
	"clusir/internal/userfile"
)

// yamlNames are the user's terms for types of YAML values.
var yamlNames = map[string]string{
	"!!seq": "a list", "!!map": "a block of keys", "!!str": "text", "!!int": "a whole number", "!!float": "a number",
	"!!bool": "true or false", "!!timestamp": "a date", "!!binary": "binary data",
}

// yamlForms are the types of YAML values that a Go type is read from.
var yamlForms = map[reflect.Kind][]string{
	reflect.Slice: {"!!seq"}, reflect.Map: {"!!map"}, reflect.Struct: {"!!map"}, reflect.Int: {"!!int"}, reflect.Float64: {"!!float", "!!int"},
	reflect.String: {"!!str", "!!int", "!!float", "!!bool", "!!timestamp", "!!binary"},
}

// Mistake is an error in a YAML text, and its line; 0 if unknown.
type Mistake struct {
	Line int
	Text string
}

// Mistakes are an error.
type Mistakes []Mistake

func (fs Mistakes) Error() string {
	var lines []string
	for _, f := range fs {
		if f.Line > 0 {
			f.Text = fmt.Sprintf("line %d: %s", f.Line, f.Text)
		}
		lines = append(lines, f.Text)
	}
	return strings.Join(lines, "; ")
}

func hasKey(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

// decodeStrict reads a node of known keys. If it may be of a later version, unknown ones
// are ignored.
func decodeStrict(n *yaml.Node, into any, later bool) Mistakes {
	err := n.Decode(into)
	if err != nil && !errors.As(err, new(*yaml.TypeError)) { // it cannot be traversed, such as an alias within itself
		return Mistakes{{n.Line, userfile.PlainYAML(err).Error()}}
	}
	c := yamlChecker{later: later}
	c.check(n, reflect.TypeOf(into), "")
	if err != nil && len(c.mistakes) == 0 {
		c.fault(n, "not all values are of their types")
	}
	slices.SortStableFunc(c.mistakes, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return c.mistakes
}

// yamlChecker finds the values that do not fit a Go type, with the user's terms for both,
// and what the decoder would accept: unknown keys, numbers that it would read as octal,
// and fractions in integer fields, where it would truncate 1.5 to 1.
type yamlChecker struct {
	later    bool
	mistakes Mistakes
}

func (c *yamlChecker) fault(n *yaml.Node, format string, a ...any) {
	c.mistakes = append(c.mistakes, Mistake{n.Line, fmt.Sprintf(format, a...)})
}

// check checks the value of a key.
func (c *yamlChecker) check(n *yaml.Node, t reflect.Type, key string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	kind, tag, name := t.Kind(), n.ShortTag(), strings.TrimPrefix(key, ".")
	switch {
	case tag == "!!null", t == reflect.TypeFor[folders]() && n.Kind == yaml.ScalarNode:
	case (kind == reflect.Int || kind == reflect.Float64) && usage.Octal(n.Value):
		c.fault(n, "%s: %s could be octal: write it without the zero in front", name, n.Value)
	case kind == reflect.Int && tag == "!!float":
		c.fault(n, "%s is %s, but a whole number is needed", name, n.Value)
	case !slices.Contains(yamlForms[kind], tag):
		is := cmp.Or(yamlNames[tag], "a value of type "+strings.TrimLeft(tag, "!"))
		if n.Value != "" {
			is += " (" + n.Value + ")"
		}
		c.fault(n, "%s, but %s is needed", is, yamlNames[yamlForms[kind][0]])
	case kind == reflect.Slice:
		for _, item := range n.Content {
			c.check(item, t.Elem(), key)
		}
	case kind == reflect.Map, kind == reflect.Struct:
		c.checkKeys(n, t, key)
	}
}

// checkKeys checks the keys of a block and their values.
func (c *yamlChecker) checkKeys(n *yaml.Node, t reflect.Type, key string) {
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.ShortTag() == "!!merge" { // more keys, or a list of such blocks
			blocks := []*yaml.Node{v}
			if v.Kind == yaml.SequenceNode {
				blocks = v.Content
			}
			for _, block := range blocks {
				c.check(block, t, key)
			}
			continue
		}
		if first, twice := lines[k.Value]; twice {
			c.fault(k, "mapping key %q already defined at line %d", k.Value, first)
		}
		lines[k.Value] = k.Line
		if t.Kind() == reflect.Map {
			c.check(k, t.Key(), key)
			c.check(v, t.Elem(), key+"."+k.Value)
			continue
		}
		fields := yamlFields(t)
		if f, known := fields[k.Value]; known {
			c.check(v, f, key+"."+k.Value)
		} else if !c.later {
			c.fault(k, "there is no field %s: %s", k.Value, suggest.Or(k.Value, slices.Sorted(maps.Keys(fields))))
		}
	}
}

// yamlFields returns the types of a struct's fields by their names in YAML.
func yamlFields(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" && name != "-" {
			fields[name] = f.Type
		}
	}
	return fields
}
