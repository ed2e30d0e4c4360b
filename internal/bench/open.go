package bench

import (
	"errors"
	"fmt"
	"io/fs"

	"clusir/internal/arch"
	"clusir/internal/checkpoint"
	"clusir/internal/infer"
)

// Source is where the network to measure comes from.
type Source struct {
	Model  string // a variant, which gets random weights, or a checkpoint; "" for none
	Config string // the file of its configuration, if nothing else has one; "" for none
	Verify string // the file of a reference output, which may hold the weights; "" for none
	Seed   uint64 // of random weights
}

// Open finds the network's configuration and its weights. The caller closes the
// subject.
func (o Source) Open() (s Subject, err error) {
	s = Subject{Name: o.Model, Seed: o.Seed}
	switch variant, named := arch.Variants()[o.Model]; {
	case named:
		s.Config = variant
		return s, nil
	case o.Model != "":
		s.Weights, err = checkpoint.Open(o.Model)
	case o.Verify != "":
		s.Name = o.Verify
		s.Weights, err = openVerified(o.Verify)
	default:
		s.Name = o.Config
	}
	if o.Model != "" && errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%w: name a checkpoint, or base, small, tiny or nano", err)
	}
	if err == nil {
		s.Config, err = infer.ConfigOf(s.Weights, o.Config)
	}
	if err != nil {
		s.Close()
	}
	return s, err
}

// openVerified opens the weights of a reference file.
func openVerified(path string) (*checkpoint.File, error) {
	f, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	weights := f.Within(weightsPrefix)
	if len(weights.Names()) == 0 {
		return nil, errors.Join(fmt.Errorf("%s holds no weights (%s...): name a checkpoint with --model", path, weightsPrefix), f.Close())
	}
	return weights, nil
}

// Close closes the weights' file, if there is one.
func (s Subject) Close() {
	if s.Weights != nil {
		_ = s.Weights.Close() // it was only read
	}
}
