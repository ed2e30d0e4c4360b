package config

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"clusir/configs"
)

// FuzzLoad loads arbitrary text as a configuration. Whatever is accepted must be valid,
// and stay the same when written out and loaded again.
func FuzzLoad(f *testing.F) {
	files, err := fs.Glob(configs.FS, "*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range files {
		b, err := fs.ReadFile(configs.FS, name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, text := range []string{"", "{", "a: &x [*x]", "<<: {data: x}", "extends: run", "train: !!binary aGk=", "? [a]\n: b", "data: ~", "threads: 0x10"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := loadText(text)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Fatal("an error without words")
			}
			return
		}
		if ps := c.validate(); len(ps) > 0 {
			t.Fatalf("accepted, but not valid: %v", ps)
		}
		out, err := yaml.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := loadText(out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if b, err := yaml.Marshal(again); err != nil || !bytes.Equal(b, out) {
			t.Fatalf("%v: not the same again:\n%s\n%s", err, out, b)
		}
	})
}

// loadText is Load without the disk.
func loadText(text []byte) (*Config, error) {
	l, err := parseLayer("run.yaml", text)
	if err != nil {
		return nil, err
	}
	layers, err := resolver{}.under(l, "")
	if err != nil {
		return nil, err
	}
	return merge(layers, nil, nil)
}
