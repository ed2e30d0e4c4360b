package serve

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"clusir/internal/device"
	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/restore"
)

// Source is an embedded model or a file, and its name in requests.
type Source struct{ Name, File string }

// ParseSources parses NAME=FILE, or the name of an embedded model or a file, which is
// then named after the file.
func ParseSources(texts []string) (sources []Source, err error) {
	for _, text := range texts {
		name, file, named := strings.Cut(text, "=")
		if !named {
			file = name
			name = strings.TrimSuffix(filepath.Base(name), ".safetensors")
		}
		if slices.ContainsFunc(sources, func(s Source) bool { return s.Name == name }) {
			return nil, fmt.Errorf("--model: two models are called %q: write one as NAME=FILE, with a name of its own", name)
		}
		sources = append(sources, Source{name, file})
	}
	return sources, nil
}

// Load loads the models onto the device. config is a configuration file for checkpoints
// without one. The memory of all but the largest is not available for pictures. The
// caller closes the options, even after an error.
func (o *Options) Load(sources []Source, config string, b kernels.Backend) error {
	o.DeviceMemory = device.Memory(b)
	var all, largest int64
	for _, s := range sources {
		about, err := infer.Describe(s.File)
		if err != nil {
			return err
		}
		net, err := infer.Load(infer.Source{Model: s.File, Config: config}, b)
		if err != nil {
			return err
		}
		o.Models = append(o.Models, &Model{Name: s.Name, Net: net, About: about})
		size := 4 * about.Params
		all, largest = all+size, max(largest, size)
	}
	if o.DeviceMemory == 0 {
		o.MaxMemory -= all - largest
	}
	if o.MaxMemory <= 0 {
		return fmt.Errorf("the models take %s, which is more than --max-memory: offer fewer with --model", humanize.Bytes(uint64(all)))
	}
	for _, m := range o.Models {
		if err := restore.Fits(m.Net, restore.Options{MaxMemory: o.MaxMemory, DeviceMemory: o.DeviceMemory}); err != nil {
			return fmt.Errorf("model %s: %w", m.Name, err)
		}
	}
	return nil
}

// Close releases the models.
func (o *Options) Close() {
	for _, m := range o.Models {
		m.Net.Close()
	}
}
