// Package checkpoint reads and writes weights as safetensors files.
//
// A file is eight bytes of length, a JSON header and the tensors' bytes: see
// header.go for what of it is checked before anything is allocated. Files of
// ours carry in their metadata
//
//	format  "clusir"
//	config  the model's configuration as JSON, so that the file is enough to run it
//	step    the number of optimiser steps behind the weights, in decimal
//	sha256  of the header, with zeros in place of this value, and the data
//
// and their bytes depend on the contents alone: two equal checkpoints are equal
// files. Files without format, such as PyTorch's, load without a checksum.
//
// A training checkpoint is the same file with the optimiser's state next to the
// weights (see StatePrefixes): one file is renamed into place, so weights and
// moments can never belong to different steps, and whoever wants the weights
// alone leaves the rest unread.
package checkpoint

import (
	"slices"
	"strings"

	"gorgonia.org/tensor"
)

// Keys of the metadata.
const (
	KeyFormat = "format"
	KeyConfig = "config"
	KeyStep   = "step"
	KeySHA256 = "sha256"
)

// Keys of the metadata that training leaves in a run's checkpoints.
const (
	KeyRecipe    = "recipe"    // the settings of the training, as JSON
	KeyDevice    = "device"    // what it was trained on
	KeyData      = "data"      // what the training set consisted of, as JSON
	KeyBest      = "best"      // the mean of the best validation
	KeyValidated = "validated" // the step of the last validation, -1 before the first
)

// format is the value of KeyFormat in files of ours.
const format = "clusir"

// Prefixes of the names that hold what training needs in addition to the weights:
// Adam's moments and step counts, and the moving average of the weights, each
// followed by the parameter's name.
const (
	PrefixM    = "optim.m."
	PrefixV    = "optim.v."
	PrefixStep = "optim.step."
	PrefixEMA  = "ema."
)

// StatePrefixes are the names that Load passes over unless they are asked for.
var StatePrefixes = []string{PrefixM, PrefixV, PrefixStep, PrefixEMA}

// Tensor is a named float32 tensor on the host.
type Tensor struct {
	Name  string
	Value *tensor.Dense
}

// New wraps data, without copying it, as a tensor of the given shape.
func New(name string, shape []int, data []float32) Tensor {
	return Tensor{name, tensor.New(tensor.WithShape(slices.Clone(shape)...), tensor.WithBacking(data))}
}

// Data returns the elements, row-major and not copied.
func (t Tensor) Data() []float32 { return t.Value.Float32s() }

// Shape returns the extents, outermost first.
func (t Tensor) Shape() []int { return t.Value.Shape() }

// Spec is a tensor that Load expects.
type Spec struct {
	Name  string
	Shape []int
}

// ignored reports whether a strict load passes over a tensor that it was not
// asked for: training state, and PyTorch's count of BatchNorm's batches, which
// nothing here uses.
func ignored(name string) bool {
	return strings.HasSuffix(name, "num_batches_tracked") ||
		slices.ContainsFunc(StatePrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}
