// Package strict checks YAML against the Go types that it is read into, in the user's
// terms: unknown keys, values of other types, and what the library would accept but
// nobody means, such as octal numbers and 1.5 for a whole number.
package strict

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"clusir/internal/suggest"
	"clusir/internal/usage"
	"clusir/internal/userfile"
)

// Mistake is an error in a YAML text, and its line; 0 if unknown.
type Mistake struct {
	Line int
	Text string
}

// Mistakes are an error.
type Mistakes []Mistake

func (ms Mistakes) Error() string {
	var lines []string
	for _, m := range ms {
		if m.Line > 0 {
			m.Text = fmt.Sprintf("line %d: %s", m.Line, m.Text)
		}
		lines = append(lines, m.Text)
	}
	return strings.Join(lines, "; ")
}

// Own is a type of several forms, which checks its values itself.
type Own interface {
	CheckYAML(n *yaml.Node, later bool) Mistakes
}

// Checker checks values and collects the mistakes.
type Checker struct {
	Later bool // the text may be of a later version: ignore unknown keys
	// Unknown, if set, formats the mistake of a key that struct t does not have.
	Unknown func(t reflect.Type, prefix, name string) string
	// Lines receives the line of each value by its key, such as train.lr or tasks[0].kind.
	Lines map[string]int

	mistakes Mistakes
}

// Decode reads a value into what into points to, if there are no mistakes.
func Decode(n *yaml.Node, into any, later bool) Mistakes {
	c := Checker{Later: later}
	if mistakes := c.Check(n, reflect.TypeOf(into).Elem()); len(mistakes) > 0 {
		return mistakes
	}
	if err := n.Decode(into); err != nil {
		return Mistakes{{n.Line, "not all values are of their types"}}
	}
	return nil
}

// Check returns the mistakes in a value for type t, by their lines.
func (c *Checker) Check(n *yaml.Node, t reflect.Type) Mistakes {
	if err := n.Decode(new(any)); err != nil && !errors.As(err, new(*yaml.TypeError)) { // it cannot be traversed, such as an alias within itself
		return Mistakes{{n.Line, userfile.PlainYAML(err).Error()}}
	}
	if c.Lines == nil {
		c.Lines = map[string]int{}
	}
	c.value(n, t, "")
	slices.SortStableFunc(c.mistakes, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return c.mistakes
}

func (c *Checker) mistake(n *yaml.Node, format string, a ...any) {
	c.mistakes = append(c.mistakes, Mistake{n.Line, fmt.Sprintf(format, a...)})
}

// scalars describes the values of a kind of field, and lists the types of YAML values that
// it accepts. A folder may be named 5, or after a date.
var scalars = map[reflect.Kind]struct {
	text string
	tags []string
}{
	reflect.Bool:    {"true or false", []string{"!!bool"}},
	reflect.Int:     {"a whole number", []string{"!!int"}},
	reflect.Uint64:  {"a whole number, 0 or more", []string{"!!int"}},
	reflect.Float64: {"a number", []string{"!!float", "!!int"}},
	reflect.String:  {"text", []string{"!!str", "!!int", "!!float", "!!timestamp"}},
}

// value checks the value of a key.
func (c *Checker) value(n *yaml.Node, t reflect.Type, key string) {
	c.Lines[key] = n.Line
	optional := t.Kind() == reflect.Pointer
	if optional {
		t = t.Elem()
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	kind, into := t.Kind(), reflect.New(t).Interface()
	own, isOwn := into.(Own)
	_, orSingle := into.(yaml.Unmarshaler) // a list, or its only item
	switch {
	case n.ShortTag() == "!!null":
		if !optional {
			c.mistake(n, "%s has no value: give it one, or leave the key out", key)
		}
	case isOwn:
		for _, m := range own.CheckYAML(n, c.Later) {
			c.mistake(&yaml.Node{Line: cmp.Or(m.Line, n.Line)}, "%s: %s", key, m.Text)
		}
	case kind == reflect.Struct, kind == reflect.Map:
		if n.Kind != yaml.MappingNode {
			c.mistake(n, "%s must be a block of keys", cmp.Or(key, "the text"))
			return
		}
		c.block(n, t, key)
	case kind == reflect.Slice && n.Kind == yaml.SequenceNode:
		for i, item := range n.Content {
			c.value(item, t.Elem(), fmt.Sprintf("%s[%d]", key, i))
		}
	case kind == reflect.Slice && (n.Kind != yaml.ScalarNode || !orSingle):
		like := "[a, b]"
		if n.Kind == yaml.ScalarNode && t.Elem().Kind() != reflect.Struct {
			like = "[" + n.Value + "]"
		}
		c.mistake(n, "%s must be a list, e.g. %s", key, like)
	case kind == reflect.Slice:
	case kind != reflect.String && usage.Octal(n.Value):
		c.mistake(n, "%s: %s could be octal: write it without the zero in front", key, n.Value)
	case !slices.Contains(scalars[kind].tags, n.ShortTag()) || n.Decode(into) != nil:
		c.mistake(n, "%s: must be %s", key, scalars[kind].text)
	}
}

// block checks the keys of a block and their values.
func (c *Checker) block(n *yaml.Node, t reflect.Type, of string) {
	prefix, seen := "", map[string]bool{}
	if of != "" {
		prefix = of + "."
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		value, known := valueOf(t, k.Value)
		switch {
		case k.ShortTag() == "!!merge": // more keys, or a list of such blocks
			blocks := []*yaml.Node{v}
			if v.Kind == yaml.SequenceNode {
				blocks = v.Content
			}
			for _, block := range blocks {
				c.value(block, t, of)
			}
		case seen[k.Value]:
			c.mistake(k, "%s%s is set a second time: keep one of the two", prefix, k.Value)
		case known:
			c.value(v, value, prefix+k.Value)
		case c.Later:
		case c.Unknown != nil:
			c.mistake(k, "%s", c.Unknown(t, prefix, k.Value))
		default:
			var names []string
			for _, key := range Keys(t) {
				names = append(names, key.Name)
			}
			slices.Sort(names)
			c.mistake(k, "there is no field %s: %s", k.Value, suggest.Or(k.Value, names))
		}
		seen[k.Value] = true
	}
}

// valueOf returns the type of the value of a key in a struct or a map.
func valueOf(t reflect.Type, name string) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), true
	}
	keys := Keys(t)
	i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == name })
	if i < 0 {
		return nil, false
	}
	return keys[i].Type, true
}

// Key is a key of a block.
type Key struct {
	Name string
	Type reflect.Type // of the value
}

// Keys lists the keys of a struct, including those of embedded structs.
func Keys(t reflect.Type) (keys []Key) {
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); !f.Anonymous && name != "" && name != "-" {
			keys = append(keys, Key{name, f.Type})
		}
	}
	return keys
}
