package userfile

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// YAML returns the root of the only YAML document in a text, nil if there is nothing but
// comments.
func YAML(text []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, PlainYAML(err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one YAML document: keep the first")
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		return nil, nil
	}
	return root, nil
}

// KeyAt returns the position of the first of the keys in a block, -1 if it has none.
func KeyAt(n *yaml.Node, keys ...string) int {
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		if slices.Contains(keys, n.Content[i].Value) {
			return i
		}
	}
	return -1
}

// PlainYAML returns an error of the YAML library, not about types, without its prefix,
// and with the remedy for the most frequent mistakes.
func PlainYAML(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	switch {
	case strings.Contains(text, "cannot start any token"):
		text += ": indent with spaces instead of tabs, and quote a value that begins with @, % or `"
	case strings.Contains(text, "UTF-8"):
		text += ": save the file as text in UTF-8"
	case strings.Contains(text, "incompatible YAML"):
		text += ": leave out the line %YAML"
	}
	return errors.New(text)
}
