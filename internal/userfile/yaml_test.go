package userfile

import (
	"strings"
	"testing"
)

// TestYAMLDocuments: a text holds one document or nothing, and the root keeps its line.
func TestYAMLDocuments(t *testing.T) {
	for _, c := range []struct {
		text string
		line int // of the root; 0 for none
		want string
	}{
		{"", 0, ""}, {"# nothing\n", 0, ""}, {"---\n", 0, ""}, {"---\n...\n", 0, ""}, {"null", 0, ""}, {"~", 0, ""},
		{"a: b", 1, ""}, {"# first\n---\na: b\n", 3, ""}, {"\n[a]\n...\n", 2, ""}, {"%YAML 1.1\n---\na", 3, ""}, {"''", 1, ""},
		{"a: b\n---\nc: d", 0, "more than one YAML document"}, {"a: b\n---\n", 0, "more than one YAML document"},
		{"a: b\n---\nc: [", 0, "more than one YAML document"}, {"---\n---\na: b", 0, "more than one YAML document"},
	} {
		root, err := YAML([]byte(c.text))
		if line := 0; c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q: %v, want %q", c.text, err, c.want)
			}
		} else {
			if root != nil {
				line = root.Line
			}
			if err != nil || line != c.line {
				t.Errorf("%q: %v, root in line %d, want %d", c.text, err, line, c.line)
			}
		}
	}
}

// TestYAMLRemedy: frequent mistakes in YAML come with a remedy.
func TestYAMLRemedy(t *testing.T) {
	for text, want := range map[string]string{
		"a:\n\tb: 1": "instead of tabs", "a: @b": "quote", "a: caf\xe9": "save the file as text in UTF-8", "%YAML 1.2\n---\na": "leave out the line %YAML", "a: [": "did not find",
	} {
		if _, err := YAML([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
