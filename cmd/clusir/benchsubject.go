package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"clusir/internal/bench"
	"clusir/internal/checkpoint"
	"clusir/internal/config"
	"clusir/internal/model"
)

// openSubject finds the network to measure: its configuration and its weights.
func openSubject(o *benchOptions) (s bench.Subject, err error) {
	s = bench.Subject{Name: o.Model, Seed: o.Seed}
	switch _, named := model.Variants()[o.Model]; {
	case named:
		return namedSubject(o, s)
	case o.Model != "":
		s.Weights, err = checkpoint.Open(o.Model)
	case o.Verify != "":
		s.Name, s.Prefix = o.Verify, bench.WeightsPrefix
		s.Weights, err = openVerified(o.Verify)
	default:
		s.Name = o.ModelConfig
	}
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%w: name a checkpoint, or base, small, tiny or nano", err)
	}
	if err == nil {
		s.Config, err = subjectConfig(s.Weights, o.ModelConfig)
	}
	if err != nil {
		closeSubject(s)
	}
	return s, err
}

// namedSubject is a variant with random weights.
func namedSubject(o *benchOptions, s bench.Subject) (bench.Subject, error) {
	if o.ModelConfig != "" {
		return s, usage("--model %s has its configuration: give --model-config alone, or with a checkpoint", o.Model)
	}
	if o.Verify != "" {
		return s, usage("--model %s has random weights, which nothing verifies: name the checkpoint that made the output", o.Model)
	}
	s.Config = model.Variants()[o.Model]
	return s, nil
}

// openVerified opens a file to verify against that brings the weights along.
func openVerified(path string) (*checkpoint.File, error) {
	f, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(f.Names(), func(name string) bool { return strings.HasPrefix(name, bench.WeightsPrefix) }) {
		return nil, errors.Join(fmt.Errorf("%s holds no weights (%s...): name a checkpoint with --model", path, bench.WeightsPrefix), f.Close())
	}
	return f, nil
}

// subjectConfig is the configuration in the file, or else in the weights.
func subjectConfig(weights *checkpoint.File, file string) (model.Config, error) {
	if file == "" {
		return model.ReadConfig(weights)
	}
	if weights != nil && weights.Metadata[checkpoint.KeyConfig] != "" {
		return model.Config{}, errors.New("the checkpoint holds its configuration: leave out --model-config")
	}
	return readModelConfig(file)
}

// readModelConfig reads the file of --model-config.
func readModelConfig(file string) (model.Config, error) {
	fields, err := config.ReadModel(file)
	if err != nil {
		return model.Config{}, err
	}
	c := model.Variants()[fields.Variant]
	if err := fields.Apply(&c); err != nil {
		return c, fmt.Errorf("%s: %w", file, err)
	}
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

func closeSubject(s bench.Subject) {
	if s.Weights != nil {
		_ = s.Weights.Close() // it was only read
	}
}
