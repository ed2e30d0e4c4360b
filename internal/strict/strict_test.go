package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"clusir/internal/userfile"
)

// shared is embedded, so its keys are the block's own.
type shared struct {
	Seed uint64 `yaml:"seed"`
}

// recipe has a field of every kind that a text can set.
type recipe struct {
	shared `yaml:",inline"`
	Name   string              `yaml:"name"`
	Steps  int                 `yaml:"steps"`
	Rate   float64             `yaml:"rate"`
	Mix    bool                `yaml:"mix,omitempty"`
	Range  *[]float64          `yaml:"range"`
	Names  []string            `yaml:"names"`
	Single single              `yaml:"single"`
	Parts  []part              `yaml:"parts"`
	By     map[string]*part    `yaml:"by"`
	Groups map[string][]string `yaml:"groups"`
	Form   form                `yaml:"form"`
	Hidden string              `yaml:"-"`
}

type part struct {
	Kind  string `yaml:"kind"`
	Count int    `yaml:"count"`
}

// single is a list, or its only item.
type single []string

func (s *single) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*s = single{n.Value}
		return nil
	}
	return n.Decode((*[]string)(s))
}

// form is a type that checks its values itself.
type form string

func (*form) CheckYAML(n *yaml.Node, later bool) Mistakes {
	switch {
	case later || n.Value == "good":
		return nil
	case n.Value == "elsewhere":
		return Mistakes{{7, "is not good"}}
	}
	return Mistakes{{0, "must be good"}}
}

// parse returns the root of a text.
func parse(t *testing.T, text string) *yaml.Node {
	t.Helper()
	root, err := userfile.YAML([]byte(text))
	if err != nil || root == nil {
		t.Fatalf("%q: %v, root %v", text, err, root)
	}
	return root
}

// TestMistakes: each mistake is named with its line and key; "" stands for none.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		// Values of every kind.
		{"name: a\nsteps: 3\nrate: 1e-3\nmix: true\nrange: [0, 1.5]\nnames: [a, 5]\nseed: 18446744073709551615\nform: good", ""},
		{"name: 5\nrate: 2", ""},
		{"name: 2024-01-31", ""},
		{"name: 1.50", ""},
		{"name: [a]", "line 1: name: must be text"},
		{"name: true", "line 1: name: must be text"},
		{"name: !own a", "line 1: name: must be text"},
		{"steps: 1.5", "line 1: steps: must be a whole number"},
		{"steps: 1e3", "line 1: steps: must be a whole number"},
		{"steps: many", "line 1: steps: must be a whole number"},
		{"steps: '3'", "line 1: steps: must be a whole number"},
		{"steps: 9223372036854775808", "line 1: steps: must be a whole number"},
		{"steps: 0x10", ""},
		{"steps: 1_000", ""},
		{"seed: -1", "line 1: seed: must be a whole number, 0 or more"},
		{"seed: 18446744073709551616", "line 1: seed: must be a whole number, 0 or more"},
		{"rate: .nan", ""},
		{"rate: fast", "line 1: rate: must be a number"},
		{"mix: yes", "line 1: mix: must be true or false"},
		{"mix: 1", "line 1: mix: must be true or false"},

		// Octal numbers, which are none in text.
		{"steps: 010", "line 1: steps: 010 could be octal: write it without the zero in front"},
		{"range: [0, -007]", "line 1: range[1]: -007 could be octal: write it without the zero in front"},
		{"name: 010\nsteps: 0\nrate: 0.5\nseed: 00", "line 4: seed: 00 could be octal: write it without the zero in front"},

		// Values that are missing.
		{"steps:", "line 1: steps has no value: give it one, or leave the key out"},
		{"steps: ~\nnames: [a, ]", "line 1: steps has no value: give it one, or leave the key out"},
		{"names: [a, null]", "line 1: names[1] has no value: give it one, or leave the key out"},
		{"range:", ""},
		{"by: {a: }", ""},
		{"parts:\n  -", "line 2: parts[0] has no value: give it one, or leave the key out"},

		// Blocks and lists.
		{"[a, b]", "line 1: the text must be a block of keys"},
		{"text", "line 1: the text must be a block of keys"},
		{"names: a", "line 1: names must be a list, e.g. [a]"},
		{"names: {a: b}", "line 1: names must be a list, e.g. [a, b]"},
		{"parts: a", "line 1: parts must be a list, e.g. [a, b]"},
		{"parts:\n  - kind: a\n  - 5", "line 3: parts[1] must be a block of keys"},
		{"parts: [{kind: a, count: x}]", "line 1: parts[0].count: must be a whole number"},
		{"single: a", ""},
		{"single: [a, b]", ""},
		{"single: {a: b}", "line 1: single must be a list, e.g. [a, b]"},
		{"by: {a: {kind: b}, c: {count: 1}}", ""},
		{"by: {a: {count: b}}", "line 1: by.a.count: must be a whole number"},
		{"by: [a]", "line 1: by must be a block of keys"},
		{"groups: {5: [a], b: [c]}", ""},
		{"groups: {a: b}", "line 1: groups.a must be a list, e.g. [b]"},

		// Keys.
		{"stepz: 3", "line 1: there is no field stepz: did you mean \"steps\"?"},
		{"parts: [{knd: a}]", "line 1: there is no field knd: did you mean \"kind\"?"},
		{"Steps: 3", "line 1: there is no field Steps: did you mean \"steps\"?"},
		{"hidden: a", "line 1: there is no field hidden: choose among by, form, groups, mix, name, names, parts, range, rate, seed, single, steps"},
		{"steps: 3\nrate: 1\nsteps: 4", "line 3: steps is set a second time: keep one of the two"},
		{"parts:\n  - kind: a\n    kind: b", "line 3: parts[0].kind is set a second time: keep one of the two"},
		{"by: {a: {}, a: {}}", "line 1: by.a is set a second time: keep one of the two"},

		// Several mistakes, in the order of their lines.
		{"rate: a\nby: {a: {count: b}}\nsteps: c\nrate: 1", "line 1: rate: must be a number; line 2: by.a.count: must be a whole number; " +
			"line 3: steps: must be a whole number; line 4: rate is set a second time: keep one of the two"},
		{"# a comment\n\nsteps: |\n  many\n  lines\n", "line 3: steps: must be a whole number"},

		// Aliases: a mistake is where the value is.
		{"names: [&a x, *a]\nname: *a", ""},
		{"name: &a x\nsteps: *a", "line 1: steps: must be a whole number"},
		{"parts: [&a {kind: b}, *a]", ""},
		{"parts: [&a {kind: b, count: c}, *a]", "line 1: parts[0].count: must be a whole number; line 1: parts[1].count: must be a whole number"},
		{"by:\n  a: &a {kind: b}\n  c: *a", ""},
		{"name: &a\nsteps: *a", "line 1: name has no value: give it one, or leave the key out; line 1: steps has no value: give it one, or leave the key out"},
		{"parts: &a [*a]", "anchor 'a' value contains itself"},

		// Merged blocks.
		{"by:\n  a: &a {kind: b, count: 1}\n  c: {<<: *a, count: 2}", ""},
		{"by:\n  a: &a {kind: b}\n  b: &b {count: 1}\n  c: {<<: [*a, *b]}", ""},
		{"by: {c: {<<: {kind: d}}}", ""},
		{"by:\n  c:\n    <<: {kid: d}", "line 3: there is no field kid: did you mean \"kind\"?"},
		{"by: {c: {<<: [{count: d}]}}", "line 1: by.c.count: must be a whole number"},
		{"by: {c: {<<: a}}", "map merge requires map or sequence of maps as the value"},

		// Types that check themselves.
		{"form: bad", "line 1: form: must be good"},
		{"form: elsewhere", "line 7: form: is not good"},
		{"name: &a bad\nform: *a", "line 1: form: must be good"},
	} {
		var into recipe
		mistakes := Decode(parse(t, c.text), &into, false)
		if got := mistakes.Error(); got != c.want && (c.want == "" || !strings.HasSuffix(got, c.want)) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
		if len(mistakes) > 0 && !reflect.DeepEqual(into, recipe{}) {
			t.Errorf("%q: decoded in spite of %v", c.text, mistakes)
		}
	}
}

// TestDecodes: what has no mistakes is decoded, aliases, merged blocks and all.
func TestDecodes(t *testing.T) {
	var got recipe
	text := "by:\n  a: &a {kind: x, count: 1}\n  b: {<<: *a, count: 2}\nname: 1.50\nsteps: 0x10\nseed: 7\nsingle: y\nparts: [*a]\nform: good\nrange: [1]\n"
	if mistakes := Decode(parse(t, text), &got, false); len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	want := recipe{shared: shared{7}, Name: "1.50", Steps: 16, Single: single{"y"}, Parts: []part{{"x", 1}}, Form: "good",
		Range: &[]float64{1}, By: map[string]*part{"a": {"x", 1}, "b": {"x", 2}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestLater: the keys of a later version are ignored, but not wrong values of known ones.
func TestLater(t *testing.T) {
	for text, want := range map[string]string{
		"steps: 1\nnew: {a: b}\nform: better": "",
		"parts: [{kind: a, new: 5}]":          "",
		"new: 1\nnew: 2":                      "line 2: new is set a second time: keep one of the two",
		"new: 1\nsteps: a":                    "line 2: steps: must be a whole number",
	} {
		if got := Decode(parse(t, text), new(recipe), true).Error(); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestChecker: Unknown formats the mistakes of unknown keys, and Lines has each value's
// line.
func TestChecker(t *testing.T) {
	c := Checker{Unknown: func(of reflect.Type, prefix, name string) string {
		return fmt.Sprint(of.Name(), " lacks ", prefix, name)
	}}
	root := parse(t, "name: &a x\n\nparts:\n  - kind: *a\n    new: 1\nby:\n  b: {<<: {kind: y}}\nold: 2\n")
	want := Mistakes{{5, "part lacks parts[0].new"}, {8, "recipe lacks old"}}
	if got := c.Check(root, reflect.TypeFor[recipe]()); !slices.Equal(got, want) {
		t.Errorf("mistakes %v, want %v", got, want)
	}
	lines := map[string]int{"": 1, "name": 1, "parts": 4, "parts[0]": 4, "parts[0].kind": 4, "by": 7, "by.b": 7, "by.b.kind": 7}
	if !reflect.DeepEqual(c.Lines, lines) {
		t.Errorf("lines %v, want %v", c.Lines, lines)
	}
}

// TestMistakesOfUnknownLine: a mistake without a line is shown without one.
func TestMistakesOfUnknownLine(t *testing.T) {
	if got := (Mistakes{{0, "a"}, {3, "b"}}).Error(); got != "a; line 3: b" {
		t.Error(got)
	}
}
