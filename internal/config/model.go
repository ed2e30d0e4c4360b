package config

import (
	"maps"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"clusir/internal/arch"
)

// Model is the network to train: a variant, and fields that differ from it. In a file,
// unset fields have the variant's values.
type Model struct {
	// Variant is base, small, tiny or nano.
	Variant     string `yaml:"variant" json:"-"`
	arch.Config `yaml:",inline"`
}

// variant returns a model without changed fields.
func variant(name string) Model { return Model{name, arch.Variants()[name]} }

// ModelOf returns a network as a model, based on the variant from which the fewest
// fields differ.
func ModelOf(c arch.Config) Model {
	m, fewest := Model{Config: c}, 1<<30
	for _, name := range arch.Names() {
		if n := differing(c, arch.Variants()[name]); n < fewest {
			m.Variant, fewest = name, n
		}
	}
	return m
}

// differing counts the fields that differ.
func differing(a, b arch.Config) (n int) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			n++
		}
	}
	return n
}

// MarshalYAML returns what a file would contain: the variant and what differs from it.
func (m Model) MarshalYAML() (any, error) {
	own, err := Fields(m.Config)
	if err != nil {
		return nil, err
	}
	base, err := Fields(arch.Variants()[m.Variant])
	maps.DeleteFunc(own, func(key string, value any) bool { return reflect.DeepEqual(value, base[key]) })
	own["variant"] = m.Variant
	return own, err
}

// Fields returns the fields of a struct of settings by their names in files.
func Fields(settings any) (fields map[string]any, err error) {
	text, err := yaml.Marshal(settings)
	if err != nil {
		return nil, err
	}
	return fields, yaml.Unmarshal(text, &fields)
}

// Flow returns a setting as YAML on one line, such as {kind: derain, repeat: 2}.
func Flow(setting any) (string, error) {
	var n yaml.Node
	if err := n.Encode(setting); err != nil {
		return "", err
	}
	n.Style = yaml.FlowStyle
	text, err := yaml.Marshal(&n)
	return strings.TrimSpace(string(text)), err
}

func (m *Model) validate(k *checker) {
	k.oneOf("model.variant", m.Variant, arch.Names()...)
	if arch.Variants()[m.Variant].Dim == 0 {
		return // the other fields are not a variant's
	}
	for _, f := range m.Faults() {
		k.problems = append(k.problems, problem{"model." + f.Field, ": " + f.Text})
	}
}
