// Package weights holds the trained models that are embedded in the binary.
package weights

import (
	"embed"
	"slices"
	"strings"
)

//go:embed *.safetensors
var files embed.FS

const extension = ".safetensors"

// Find returns the bytes of the embedded model with a name.
func Find(name string) ([]byte, bool) {
	data, err := files.ReadFile(name + extension)
	return data, err == nil
}

// Names lists the embedded models.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the folder is embedded
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), extension))
	}
	slices.Sort(names)
	return names
}
