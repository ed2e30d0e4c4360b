// Package cuda is the backend on NVIDIA GPUs: it dispatches the kernels of the
// folder kernels/ through gorgonia.org/cu.
//
// The package has two forms. With the build tag cuda (`make cuda`) it holds the
// compiled kernels and binds to the driver at run time; one binary then serves
// machines with and without a GPU. Without the tag it is this file and an Open
// that says how to get the other.
//
// How an operation travels: a method of [Backend] names a kernel, a grid and
// arguments (launch.go); batches of launches, which from their second time on are CUDA
// graphs (graph.go), go to one goroutine per device, locked to its OS thread, that
// makes the driver calls in order (worker.go); memory comes from a cache that is
// ordered by the same stream (alloc.go), and moves through pinned buffers
// (transfer.go). Nothing waits for the device but Download and Sync. Faults are
// kept until Sync, which names the kernel and the shapes (fault.go).
//
// To add an operation: write its kernels in kernels/NAME.cu, its methods in
// NAME.go here, and a row in machineFacts (machine_test.go) for what its machine
// code must be like. pointwise.cu and pointwise.go are the example to follow.
package cuda

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoDevice says that there is nothing to run on: no driver or no GPU.
var ErrNoDevice = errors.New("no CUDA device")

// Precision is what matrix products round their operands to. Sums, and all
// other arithmetic, are in float32 at each of them.
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
	// Debug finds faults where they happen: every allocation is exact, filled
	// with NaN and never used twice, and every launch is waited for, so that a
	// fault names its kernel. Slow. Set by CLUSIR_CUDA_DEBUG=1 too.
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

// String is the line of `clusir bench --devices`.
func (i Info) String() string {
	return fmt.Sprintf("cuda:%d  %s, compute capability %d.%d, %.1f GiB, driver for CUDA %s",
		i.Index, strings.TrimSpace(i.Name), i.Major, i.Minor, float64(i.Memory)/(1<<30), i.Driver)
}
