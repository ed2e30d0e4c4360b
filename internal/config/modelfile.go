package config

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// ReadModel reads a file that holds the fields of Model and nothing else, as
// YAML or JSON: the configuration of weights that do not carry their own.
// Fields that it leaves out are those of its variant, base where it names none.
func ReadModel(path string) (Model, error) {
	b, err := readFile(path)
	if err != nil {
		return Model{}, err
	}
	return parseModel(path, bytes.NewReader(b))
}

func parseModel(name string, r io.Reader) (Model, error) {
	m := Default().Model
	l := newLayer(name)
	root, err := l.document(r)
	if root == nil || err != nil {
		return m, err
	}
	l.section(root, reflect.TypeFor[Model](), "", l.values)
	if len(l.faults) == 0 {
		if err := decode(&m, l.values); err != nil {
			return m, err
		}
		k := &checker{}
		m.validate(k)
		l.addProblems(k.problems)
	}
	return m, l.err()
}

// addProblems words what is wrong with a model's fields, by their names and
// places in this file.
func (l *layer) addProblems(ps []problem) {
	for _, p := range ps {
		key := strings.TrimPrefix(p.key, "model.")
		l.faults = append(l.faults, fmt.Sprintf("%s: %s = %s", l.origins[key], key, p.text))
	}
}
