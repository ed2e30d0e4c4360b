package infer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"clusir/internal/arch"
	"clusir/internal/checkpoint"
	"clusir/internal/config"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/userfile"
	"clusir/weights"
)

// Source is where a network's weights come from.
type Source struct {
	// Model is the name of an embedded model or the path of a checkpoint.
	Model string
	// Config is the path of the configuration file, "" for none. It must be empty if
	// the checkpoint's metadata hold a configuration.
	Config string
	// Ensemble is [Network.Ensemble].
	Ensemble Ensemble
}

// ModelVariable names the environment variable with the model that is used if nothing
// else names one.
const ModelVariable = "CLUSIR_MODEL"

// ModelOfEnvironment returns the value of ModelVariable, "" for none. It verifies that
// the model exists, so that the error can name the variable; variants, which have no
// weights, are allowed if random is set.
func ModelOfEnvironment(random bool) (string, error) {
	name := os.Getenv(ModelVariable)
	if _, variant := arch.Variants()[name]; name == "" || variant && random {
		return name, nil
	}
	f, err := Open(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", ModelVariable, err)
	}
	return name, f.Close()
}

// Load loads the network that s names onto b.
func Load(s Source, b kernels.Backend) (*Network, error) {
	f, c, err := s.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := model.Load(f, c, b)
	if err != nil {
		return nil, err
	}
	n := New(m, b)
	n.Metadata, n.Ensemble = f.Metadata, s.Ensemble
	return n, nil
}

// ReadConfig returns the network's configuration without its weights.
func (s Source) ReadConfig() (arch.Config, error) {
	f, c, err := s.Open()
	if err != nil {
		return arch.Config{}, err
	}
	return c, f.Close()
}

// Open opens the weights' file, which the caller closes, and returns the network's
// configuration.
func (s Source) Open() (*checkpoint.File, arch.Config, error) {
	f, err := Open(s.Model)
	if err != nil {
		return nil, arch.Config{}, err
	}
	c, err := ConfigOf(f, s.Config)
	if err != nil {
		return nil, c, errors.Join(err, f.Close())
	}
	return f, c, nil
}

// Open opens an embedded model or a file.
func Open(name string) (*checkpoint.File, error) {
	if file, ok := weights.Find(name); ok {
		return checkpoint.Read(name, file, file.Size())
	}
	if _, err := os.Stat(name); err != nil && !strings.ContainsAny(name, "./\\") {
		return nil, fmt.Errorf("model %q: no embedded model has that name; choose %s, or name a checkpoint file",
			name, strings.Join(weights.Names(), ", "))
	}
	f, err := checkpoint.Open(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, userfile.ErrFolder) {
		return nil, fmt.Errorf("%w: name a checkpoint, or an embedded model: %s", err, strings.Join(weights.Names(), ", "))
	}
	return f, err
}

// ConfigOf returns the configuration in a file, or else the one that the weights hold.
// They may be nil if there is a file.
func ConfigOf(weights *checkpoint.File, file string) (arch.Config, error) {
	if file == "" {
		return model.ReadConfig(weights)
	}
	m, err := config.ReadModel(file)
	if err == nil && weights != nil && weights.Metadata[checkpoint.KeyConfig] != "" {
		err = fmt.Errorf("model %s holds its configuration: leave out --model-config", weights)
	}
	return m.Config, err
}
