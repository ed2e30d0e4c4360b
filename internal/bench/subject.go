package bench

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"clusir/internal/arch"
	"clusir/internal/checkpoint"
	"clusir/internal/kernels"
	"clusir/internal/model"
)

// Subject is the network to measure.
type Subject struct {
	Name   string
	Config arch.Config
	// Weights holds the weights, their names prefixed by Prefix; nil means the random
	// ones that training with Seed starts from.
	Weights *checkpoint.File
	Prefix  string
	Seed    uint64
}

// load builds the network on a device.
func (s Subject) load(b kernels.Backend) (*model.ClusIR, error) {
	switch {
	case s.Weights != nil && s.Prefix == "":
		return model.Load(s.Weights, s.Config, b)
	case s.Weights != nil:
		return s.loadPrefixed(b)
	}
	m, err := model.New(s.Config, b)
	if err != nil {
		return nil, err
	}
	m.Init(s.Seed)
	return m, nil
}

// loadPrefixed loads the weights from a file that also holds other tensors.
func (s Subject) loadPrefixed(b kernels.Backend) (*model.ClusIR, error) {
	m, err := model.New(s.Config, b)
	if err != nil {
		return nil, err
	}
	for _, p := range m.Tensors() {
		t, err := s.Weights.Tensor(s.Prefix + p.Name)
		if err == nil && !slices.Equal(t.Shape(), p.Shape) {
			err = fmt.Errorf("tensor %s is %v, the configuration says %v", t.Name, t.Shape(), p.Shape)
		}
		if err != nil {
			m.Free()
			return nil, err
		}
		b.Upload(p.Tensor, t.Data())
	}
	return m, nil
}

// randomImages returns numbers in [0,1), the same for the same seed.
func randomImages(seed uint64, n int) []float32 {
	r, x := rand.New(rand.NewPCG(seed, 0)), make([]float32, n)
	for i := range x {
		x[i] = r.Float32()
	}
	return x
}
