package userfile

import (
	"strings"
	"testing"
)

// TestYAMLRemedy: frequent mistakes in YAML come with a remedy.
func TestYAMLRemedy(t *testing.T) {
	for text, want := range map[string]string{"a:\n\tb: 1": "instead of tabs", "a: @b": "quote", "a: caf\xe9": "save the file as text in UTF-8", "a: [": "did not find"} {
		if _, err := YAML([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
