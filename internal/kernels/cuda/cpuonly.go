//go:build !cuda

package cuda

import (
	"fmt"

	"clusir/internal/kernels"
)

// Backend is empty in a CPU-only binary: Open never returns one.
type Backend struct{ kernels.Backend }

var errCPUOnly = fmt.Errorf("%w: this is a CPU-only binary; build one for GPUs with `make cuda`", ErrNoDevice)

// Open returns an error that says how to get a binary with CUDA kernels.
func Open(i int, _ Options) (*Backend, error) { return nil, fmt.Errorf("cuda:%d: %w", i, errCPUOnly) }

// Name is never called.
func (*Backend) Name() string { return "" }

// Devices returns that error.
func Devices() ([]Info, error) { return nil, errCPUOnly }
