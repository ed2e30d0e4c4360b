package model

import (
	"fmt"

	"clusir/internal/arch"
	"clusir/internal/autograd"
	"clusir/internal/checkpoint"
	"clusir/internal/kernels"
)

// Specs returns the names and shapes of what a checkpoint of configuration c holds:
// parameters, then buffers.
func Specs(c arch.Config) ([]checkpoint.Spec, error) {
	m, err := New(c, autograd.NewShapes())
	if err != nil {
		return nil, err
	}
	specs := []checkpoint.Spec{}
	for _, p := range m.Tensors() {
		specs = append(specs, checkpoint.Spec{Name: p.Name, Shape: p.Shape})
	}
	return specs, nil
}

// Load builds the network of configuration c with the weights of f, or with their
// average if training kept one. It allocates nothing on the device unless every tensor
// fits, and holds only one at a time on the host.
func Load(f *checkpoint.File, c arch.Config, memory kernels.Memory) (*ClusIR, error) {
	specs, err := Specs(c)
	if err != nil {
		return nil, err
	}
	if err := f.Match(specs); err != nil {
		return nil, err
	}
	m, err := New(c, memory)
	if err != nil {
		return nil, err
	}
	for _, p := range m.Tensors() {
		weights, err := f.Weight(p.Name)
		if err != nil {
			m.Free()
			return nil, err
		}
		memory.Upload(p.Tensor, weights.Data())
	}
	return m, nil
}

// ReadConfig returns the configuration in f's metadata, validated. Fields that the
// metadata omit have the base model's values.
func ReadConfig(f *checkpoint.File) (arch.Config, error) {
	c := arch.Base()
	if err := f.Config(&c); err != nil {
		return arch.Config{}, err
	}
	if err := c.Validate(); err != nil {
		return arch.Config{}, fmt.Errorf("%s: %w", f, err)
	}
	return c, nil
}

// State fetches every parameter and buffer from the device.
func (m *ClusIR) State() []checkpoint.Tensor {
	state := []checkpoint.Tensor{}
	for _, p := range m.Tensors() {
		state = append(state, checkpoint.New(p.Name, p.Shape, autograd.Fetch(m.memory, p.Tensor)))
	}
	return state
}
