//go:build cuda

package model

import (
	"errors"
	"os"
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/cuda"
)

// The network on a GPU, or on the software device of scripts/test-cuda.sh: at float32
// within the same bounds as the CPU, and at lower precisions.
func init() {
	goldenBackends = append(goldenBackends, goldenBackend{"cuda", func(t *testing.T) kernels.Backend { return openCUDA(t, cuda.Float32) }})
	preciseBackends = append(preciseBackends,
		preciseBackend{"cuda tf32", toTF32, func(t *testing.T) kernels.Backend { return openCUDA(t, cuda.TF32) }},
		preciseBackend{"cuda bf16", toBF16, func(t *testing.T) kernels.Backend { return openCUDA(t, cuda.BF16) }})
}

// toTF32 rounds off 13 bits of float32's mantissa, ties away from zero.
func toTF32(x float64) float64 { return cut(x, 0x1000, 13) }

func openCUDA(t *testing.T, p cuda.Precision) kernels.Backend {
	t.Helper()
	b, err := cuda.Open(0, cuda.Options{Precision: p})
	if errors.Is(err, cuda.ErrNoDevice) && os.Getenv("CI") != "true" {
		t.Skipf("%v; or run scripts/test-cuda.sh, which tests on the software device", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}
