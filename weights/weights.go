// Package weights holds the trained models that are embedded in the binary.
package weights

import (
	"embed"
	"io"
	"slices"
	"strings"
)

//go:embed *.safetensors
var files embed.FS

const extension = ".safetensors"

// Find returns the file of the embedded model with a name, where it lies in the program.
func Find(name string) (*io.SectionReader, bool) {
	f, err := files.Open(name + extension)
	if err != nil {
		return nil, false
	}
	info, err := f.Stat()
	if err != nil {
		panic(err) // the file is embedded
	}
	return io.NewSectionReader(f.(io.ReaderAt), 0, info.Size()), true
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
