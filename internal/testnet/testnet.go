// Package testnet has what tests of several packages build networks from.
package testnet

import (
	"clusir/internal/arch"
	"clusir/internal/kernels"
)

// Small is a network of every module that runs in milliseconds.
func Small() arch.Config {
	c := arch.Base()
	c.Dim = 4
	c.EncBlocks, c.DecBlocks, c.RefineBlocks = []int{1, 1, 1, 1}, []int{1, 1, 1}, 1
	c.FFNRatio, c.ExpertRatio = 1.5, 1
	c.Experts, c.TopExperts = 2, 2
	c.PromptLen, c.PromptSize = 2, []int{5, 4, 3}
	c.FSBGroups = 2
	return c
}

// Card makes a backend a device with memory of its own.
type Card struct {
	kernels.Backend
	Total int64
}

// MemoryUse implements [kernels.OwnMemory].
func (c Card) MemoryUse() (live, peak, total int64) { return 0, 0, c.Total }
