package config

import (
	"io/fs"
	"testing"

	"clusir/configs"
	"clusir/internal/sharedtest"
)

// TestMutants loads damaged configurations.
func TestMutants(t *testing.T) {
	files, err := fs.Glob(configs.FS, "*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no seeds: %v", err)
	}
	var seeds [][]byte
	for _, name := range files {
		b, err := fs.ReadFile(configs.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, b)
	}
	r := sharedtest.Reader{Name: "configuration", Seeds: seeds, Read: func(text []byte) error {
		_, err := loadText(text)
		return err
	}}
	r.Try(t)
}
