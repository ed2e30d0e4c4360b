package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Recipe is what made a run, as JSON with the keys of the files: it can be pasted
// into one. Where the data lie on a machine is no part of it.
func (c Config) Recipe() (string, error) {
	c.Data = ""
	text, err := yaml.Marshal(c)
	if err != nil {
		return "", err
	}
	var keys map[string]any
	if err := yaml.Unmarshal(text, &keys); err != nil {
		return "", err
	}
	delete(keys, "data")
	recipe, err := json.Marshal(keys)
	return string(recipe), err
}

// ParseRecipe reads what Recipe returned, or what took its place before: the same
// with Go's names for keys, and without the model's variant. Keys that this version does
// not know are passed over.
func ParseRecipe(text string) (*Config, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &keys); err != nil {
		return nil, fmt.Errorf("the recipe is not a JSON object of settings: %w", err)
	}
	var c Config
	if _, old := keys["Train"]; old {
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			return nil, errors.New("the recipe's settings are not of their types")
		}
		return &c, nil
	}
	l := newLayer("the recipe")
	l.later = true
	root, err := l.document(strings.NewReader(text)) // JSON is YAML, and the keys are YAML's
	if err != nil {
		return nil, err
	}
	l.section(root, reflect.TypeFor[Config](), "", l.values)
	if err := l.err(); err != nil {
		return nil, err
	}
	if m, ok := l.values["model"].(map[string]any); ok {
		name, _ := m["variant"].(string)
		c.Model = variant(name)
	}
	return &c, decode(&c, l.values)
}
