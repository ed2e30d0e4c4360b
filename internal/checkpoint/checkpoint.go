// Package checkpoint reads and writes weights as safetensors files.
//
// A file is eight bytes of length, a JSON header and the tensors' bytes; header.go
// lists what is checked before anything is allocated. Files written by clusir have
// this metadata:
//
//	format  "clusir"
//	config  the model's configuration as JSON, so that the file is enough to run it
//	step    the number of optimiser steps behind the weights, in decimal
//	sha256  of the header, with zeros in place of this value, and the data
//
// Their bytes depend only on the contents: equal checkpoints are equal files. Files
// without format, such as PyTorch's, load without a checksum.
//
// A training checkpoint also holds the optimiser's state (see statePrefixes). It is
// one file, renamed into place, so that weights and moments always belong to the same
// step; to read only the weights, leave the rest unread.
package checkpoint

import (
	"slices"
	"strings"

	"gorgonia.org/tensor"
)

// Metadata keys.
const (
	KeyFormat = "format"
	KeyConfig = "config"
	KeyStep   = "step"
	KeySHA256 = "sha256"
)

// Metadata keys of training checkpoints.
const (
	KeyRecipe    = "recipe"    // the training settings, as JSON
	KeyDevice    = "device"    // the device it was trained on
	KeyData      = "data"      // the contents of the training set, as JSON
	KeyBest      = "best"      // the mean of the best validation
	KeyValidated = "validated" // the step of the last validation, -1 before the first
)

// format is the value of KeyFormat in files written by clusir.
const format = "clusir"

// Prefixes of the tensors that training needs in addition to the weights: Adam's
// moments and step counts, and the moving average of the weights. The parameter's name
// follows.
const (
	PrefixM    = "optim.m."
	PrefixV    = "optim.v."
	PrefixStep = "optim.step."
	PrefixEMA  = "ema."
)

// statePrefixes are the prefixes of tensors that Load ignores unless it is asked for
// them.
var statePrefixes = []string{PrefixM, PrefixV, PrefixStep, PrefixEMA}

// Tensor is a named float32 tensor on the host.
type Tensor struct {
	Name  string
	Value *tensor.Dense
}

// New wraps data, without copying it, as a tensor of the given shape.
func New(name string, shape []int, data []float32) Tensor {
	return Tensor{name, tensor.New(tensor.WithShape(slices.Clone(shape)...), tensor.WithBacking(data))}
}

// Data returns the elements in row-major order, without copying them.
func (t Tensor) Data() []float32 { return t.Value.Float32s() }

// Shape returns the extents, outermost first.
func (t Tensor) Shape() []int { return t.Value.Shape() }

// Spec is a tensor that Load expects.
type Spec struct {
	Name  string
	Shape []int
}

// isState reports whether a tensor is training state.
func isState(name string) bool {
	return slices.ContainsFunc(statePrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}
