package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"clusir/internal/userfile"
)

// Recipe returns the settings that made a run, as JSON with the keys of configuration
// files, into which it can be pasted. It omits the location of the data.
func (c Config) Recipe() (string, error) {
	keys, err := Fields(c)
	if err != nil {
		return "", err
	}
	delete(keys, "data")
	recipe, err := json.Marshal(keys)
	return string(recipe), err
}

// ParseRecipe parses a recipe, including those of earlier versions, which have Go's
// names as keys and no variant of the model. It ignores keys that this version does not
// know.
func ParseRecipe(text string) (*Config, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &keys); err != nil {
		return nil, fmt.Errorf("the recipe is not a JSON object of settings: %w", userfile.PlainJSON(err))
	}
	var c Config
	if _, old := keys["Train"]; old {
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			return nil, errors.New("the recipe's settings are not of their types")
		}
		return &c, nil
	}
	l, err := parse("the recipe", []byte(text), reflect.TypeFor[Config](), true) // JSON is YAML, and the keys are those of files
	if err != nil {
		return nil, err
	}
	return &c, decode([]*layer{l}, &c)
}
