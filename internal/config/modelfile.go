package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"

	"clusir/internal/userfile"
)

// ReadModel reads the configuration for weights that have none: a YAML or JSON file
// with the fields of Model, or a configuration, whose key model is used: a file, or the
// name of a built-in one. Omitted fields have the values of its variant, base if it
// names none.
func ReadModel(path string) (Model, error) {
	b, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return modelOf(resolver{}.layers(path, "."))
	case err != nil:
		return Model{}, err
	case isConfiguration(b):
		l, err := parseLayer(path, b)
		if err != nil {
			return Model{}, err
		}
		return modelOf(resolver{}.under(l, filepath.Dir(path)))
	}
	return parseModel(path, b)
}

// modelOf returns the model of a configuration, ignoring the environment.
func modelOf(layers []*layer, err error) (Model, error) {
	if err != nil {
		return Model{}, err
	}
	c, err := newLoader(layers, nil).config()
	if err != nil {
		return Model{}, err
	}
	return c.Model, nil
}

// isConfiguration distinguishes a whole configuration from the fields of a model: it
// has one of the sections, and none of the fields.
func isConfiguration(b []byte) bool {
	root, err := userfile.YAML(b)
	return err == nil && root != nil && userfile.KeyAt(root, "model", "extends", "train") >= 0
}

func parseModel(name string, text []byte) (Model, error) {
	m := Default().Model
	l, err := parse(name, text, reflect.TypeFor[Model](), false)
	if l.root == nil || err != nil {
		return m, err
	}
	for range 2 { // see decode
		m = variant(m.Variant)
		if err := l.root.Decode(&m); err != nil {
			return m, fmt.Errorf("%s: %w", name, userfile.PlainYAML(err))
		}
	}
	k := &checker{}
	m.validate(k)
	var faults []error
	for _, p := range k.problems { // with their names and lines in this file
		key := strings.TrimPrefix(p.key, "model.")
		faults = append(faults, fmt.Errorf("%s: %s%s", cmp.Or(l.origins[key], l.name), key, p.text))
	}
	return m, errors.Join(faults...)
}
