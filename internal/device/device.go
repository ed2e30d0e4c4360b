// Package device opens the backend that a user asks for.
package device

import (
	"fmt"
	"strings"

	"clusir/internal/kernels"
	"clusir/internal/kernels/cpu"
)

// Options say what to compute on.
type Options struct {
	// Name is auto, cpu, cuda or cuda:N. Auto is a GPU where there is one that
	// this binary can use, else the processor.
	Name    string
	Threads int    // of the processor; 0 for all
	ISA     string // instruction set of the processor; "" for the best
}

// Open returns the backend and a name for it that says on what, exactly,
// results were computed: they are the same bits on devices of one name only.
func Open(o Options) (kernels.Backend, string, error) {
	switch {
	case o.Name == "" || o.Name == "auto" || o.Name == "cpu":
		b, err := cpu.New(cpu.Options{Threads: o.Threads, ISA: o.ISA})
		if err != nil {
			return nil, "", err
		}
		return b, "cpu " + b.ISA(), nil
	case o.Name == "cuda" || strings.HasPrefix(o.Name, "cuda:"):
		return nil, "", fmt.Errorf("device %s: this is a CPU-only binary; use --device cpu", o.Name)
	}
	return nil, "", fmt.Errorf("device %q: use auto, cpu, cuda or cuda:N", o.Name)
}
