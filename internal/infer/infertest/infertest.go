// Package infertest loads networks for tests.
package infertest

import (
	"testing"

	"clusir/internal/arch"
	"clusir/internal/infer"
	"clusir/internal/kernels/cpu"
	"clusir/internal/model"
)

// New is an untrained network, which changes nothing, on two threads of the processor
// until the test ends.
func New(t testing.TB, c arch.Config, seed uint64) *infer.Network {
	t.Helper()
	b, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.New(c, b)
	if err != nil {
		t.Fatal(err)
	}
	m.Init(seed)
	n := infer.New(m, b)
	t.Cleanup(func() {
		n.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}
