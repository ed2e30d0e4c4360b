//go:build cuda

package cuda

import (
	"flag"
	"testing"

	"clusir/internal/kernels/cuda/softdevice"
	"clusir/internal/kernels/kerneltest"
)

// slack is how far each precision may exceed float32's tolerance: the ratio of its
// rounding of an operand, 2⁻¹¹ or 2⁻⁸, to it.
var slack = map[Precision]float64{Float32: 1, TF32: 50, BF16: 400}

// stored are the intermediate results that a backend rounds only because it stores them at
// its precision, if they take an allowance: of GatedFFN e, and in its gradient q, which are
// no operands of products.
var stored = map[Precision]map[string]int{BF16: {"GatedFFN": 2}}

// small leaves out the large rows on a GPU too, for tools that slow it down.
var small = flag.Bool("small", false, "leave out the large rows")

// To test one precision and the operations that round: -run Conformance/tf32/Conv1x1.
func TestConformance(t *testing.T) {
	for _, p := range precisions {
		t.Run(string(p), func(t *testing.T) {
			b := open(t, Options{Precision: p, Debug: true})
			kerneltest.Run(t, b, kerneltest.Options{Slack: slack[p], Stored: stored[p], Small: *small || softdevice.Present()})
		})
	}
}

// The cache hands out memory that other tensors have used before; the results must be
// the same without Debug.
func TestConformanceWithCache(t *testing.T) {
	if softdevice.Present() && softdevice.Checked() {
		t.Skip("the checked build is for exact allocations")
	}
	b := open(t, Options{})
	kerneltest.Run(t, b, kerneltest.Options{Small: softdevice.Present()})
}
