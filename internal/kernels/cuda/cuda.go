// Package cuda is the backend for NVIDIA GPUs: it runs the kernels of the folder
// kernels/ through gorgonia.org/cu.
//
// The package has two forms. With the build tag cuda (`make cuda`) it contains the
// compiled kernels and binds to the driver at run time; one binary then serves machines
// with and without a GPU. Without the tag it consists of this file and an Open that
// says how to get the other form.
//
// The path of an operation: a method of [Backend] names a kernel, a grid and arguments
// (launch.go). Launches are collected in batches, which become CUDA graphs the second
// time they occur (graph.go). Batches go to one goroutine per device, locked to its OS
// thread, that makes the driver calls in order (worker.go). Memory comes from a cache
// that is ordered by the same stream (alloc.go), and moves through pinned buffers
// (transfer.go). Only Download and Sync wait for the device. Faults are kept until
// Sync, which names the kernel and the shapes (fault.go).
//
// To add an operation: write its kernels in kernels/NAME.cu, its methods in NAME.go
// here, and a row in machineFacts (machine_test.go) that describes its machine code.
// pointwise.cu and pointwise.go are the example to follow.
package cuda

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoDevice reports that there is nothing to run on: no driver or no GPU.
var ErrNoDevice = errors.New("no CUDA device")

// Precision is what matrix products round their operands to. Sums, and all other
// arithmetic, are always in float32.
type Precision string

// The precisions.
const (
	Float32 Precision = "float32" // no rounding; no tensor cores
	TF32    Precision = "tf32"    // 10 bits of mantissa
	BF16    Precision = "bf16"    // 7 bits of mantissa
)

var precisions = []Precision{Float32, TF32, BF16}

// ParsePrecision returns the precision of that name.
func ParsePrecision(name string) (Precision, error) {
	for _, p := range precisions {
		if string(p) == name {
			return p, nil
		}
	}
	return "", fmt.Errorf("precision %q: unknown; use float32, tf32 or bf16", name)
}

// Options configure a Backend.
type Options struct {
	// Precision of matrix products; empty means Float32.
	Precision Precision
	// Debug finds faults where they happen: every allocation is exact, filled with NaN
	// and never reused, and the backend waits for every launch, so that a fault names
	// its kernel. It is slow. CLUSIR_CUDA_DEBUG=1 sets it too.
	Debug bool
}

// Info describes a device.
type Info struct {
	Index        int
	Name         string
	Major, Minor int   // compute capability
	Memory       int64 // bytes
	Driver       string
}

// String returns the device's line in `clusir bench --devices`.
func (i Info) String() string {
	return fmt.Sprintf("cuda:%d  %s, compute capability %d.%d, %.1f GiB, driver for CUDA %s",
		i.Index, strings.TrimSpace(i.Name), i.Major, i.Minor, float64(i.Memory)/(1<<30), i.Driver)
}
