package bench

import (
	"math/rand/v2"

	"clusir/internal/arch"
	"clusir/internal/checkpoint"
	"clusir/internal/kernels"
	"clusir/internal/model"
)

// Subject is the network to measure.
type Subject struct {
	Name   string
	Config arch.Config
	// Weights holds the weights; nil means the random ones that training with Seed
	// starts from.
	Weights *checkpoint.File
	Seed    uint64
}

// load builds the network on a device.
func (s Subject) load(b kernels.Backend) (*model.ClusIR, error) {
	if s.Weights != nil {
		return model.Load(s.Weights, s.Config, b)
	}
	m, err := model.New(s.Config, b)
	if err != nil {
		return nil, err
	}
	m.Init(s.Seed)
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
