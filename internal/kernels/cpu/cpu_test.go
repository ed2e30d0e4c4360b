package cpu

import (
	"testing"

	"clusir/internal/kernels"
	"clusir/internal/kernels/kerneltest"
)

// isas are the instruction sets to test.
var isas = []string{"portable", "avx2", "avx512"}

// open returns a backend that the test closes, or skips the test if the processor lacks
// isa.
func open(t testing.TB, threads int, isa string) *Backend {
	t.Helper()
	b, err := New(Options{Threads: threads, ISA: isa})
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestConformance(t *testing.T) {
	for _, isa := range isas {
		t.Run(isa, func(t *testing.T) { kerneltest.Run(t, open(t, 2, isa), kerneltest.Options{}) })
	}
}

func TestDeterminism(t *testing.T) {
	kerneltest.RunDeterminism(t, func(threads int) kernels.Backend {
		b, err := New(Options{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}
