// Package arch describes the architecture of a network as numbers, which a
// configuration selects and a checkpoint records. Package model builds the network.
package arch

import (
	"maps"
	"slices"
)

// Stages is the number of encoder stages; the decoder has one level fewer.
const (
	Stages = 4
	Levels = Stages - 1
)

// Values of Config.PrototypeInit (Table 9).
const (
	PrototypesOrthogonal = "orthogonal"
	PrototypesUniform    = "uniform"
)

// Config is everything that the shapes and meaning of a network's weights depend on.
// Its fields have these names in configurations, under model, and in the metadata of
// checkpoints.
type Config struct {
	// Dim is the width of stage 1.
	Dim int `yaml:"dim" json:"dim"`
	// EncBlocks and DecBlocks are the numbers of WTBs in stages 1-4 and in decoder
	// levels 1-3; RefineBlocks is the number before the head.
	EncBlocks    []int `yaml:"enc_blocks" json:"enc_blocks"`
	DecBlocks    []int `yaml:"dec_blocks" json:"dec_blocks"`
	RefineBlocks int   `yaml:"refine_blocks" json:"refine_blocks"`
	// Heads is the number of attention heads of each stage.
	Heads []int `yaml:"heads" json:"heads"`
	// FFNRatio is the hidden channels of a WTB's FFN divided by its width.
	FFNRatio float64 `yaml:"ffn_ratio" json:"ffn_ratio"`
	// Clusters and TopClusters are N and K1 of each stage, Eqs. 4-6 and Table 5.
	Clusters    []int `yaml:"clusters" json:"clusters"`
	TopClusters []int `yaml:"top_clusters" json:"top_clusters"`
	// Experts and TopExperts are M and K2 of each cluster, Eqs. 9 and 10; ExpertRatio
	// is the hidden channels of an expert divided by its width.
	Experts     int     `yaml:"experts" json:"experts"`
	TopExperts  int     `yaml:"top_experts" json:"top_experts"`
	ExpertRatio float64 `yaml:"expert_ratio" json:"expert_ratio"`
	// PromptLen and PromptSize are the number of prompt components and their sides at
	// levels 1-3.
	PromptLen  int   `yaml:"prompt_len" json:"prompt_len"`
	PromptSize []int `yaml:"prompt_size" json:"prompt_size"`
	// FSBKernel is k of the dynamic low-pass filter and FSBGroups the number of groups
	// of channels with separate filters, Eqs. 11-13.
	FSBKernel int `yaml:"fsb_kernel" json:"fsb_kernel"`
	FSBGroups int `yaml:"fsb_groups" json:"fsb_groups"`
	// PrototypeInit is orthogonal or uniform, Table 9.
	PrototypeInit string `yaml:"prototype_init" json:"prototype_init"`
	// UseMoE (PCGRM and its experts) and UseDAFMM are rows (b) and (c) of Table 4.
	UseMoE   bool `yaml:"use_moe" json:"use_moe"`
	UseDAFMM bool `yaml:"use_dafmm" json:"use_dafmm"`
}

// Base is the paper's base model.
func Base() Config {
	return Config{
		Dim:           48,
		EncBlocks:     []int{4, 6, 6, 8},
		DecBlocks:     []int{4, 6, 6},
		RefineBlocks:  4,
		Heads:         []int{1, 2, 4, 8},
		FFNRatio:      3,
		Clusters:      []int{3, 3, 3, 3},
		TopClusters:   []int{2, 2, 2, 2},
		Experts:       4,
		TopExperts:    2,
		ExpertRatio:   1.25,
		PromptLen:     5,
		PromptSize:    []int{64, 32, 16},
		FSBKernel:     3,
		FSBGroups:     8,
		PrototypeInit: PrototypesOrthogonal,
		UseMoE:        true,
		UseDAFMM:      true,
	}
}

// Variants returns the named models. The paper gives widths, parameters and FLOPs of
// the first three, but not their block counts: these are the ones that match its table.
// nano is ours, small enough to be trained on two cores.
func Variants() map[string]Config {
	sized := func(dim int) Config {
		c := Base()
		c.Dim = dim
		return c
	}
	return map[string]Config{"base": sized(48), "small": sized(32), "tiny": sized(16), "nano": nano()}
}

// nano puts its blocks where pixels are many: among shapes of equal cost, those with
// several blocks at the decoder's full resolution learned to denoise fastest.
func nano() Config {
	c := Base()
	c.Dim = 16
	c.EncBlocks, c.DecBlocks, c.RefineBlocks = []int{2, 2, 2, 1}, []int{3, 2, 2}, 5
	c.FFNRatio, c.ExpertRatio = 2, 1
	c.Experts, c.TopExperts = 3, 2
	c.PromptSize = []int{16, 16, 16}
	return c
}

// Names lists the variants.
func Names() []string { return slices.Sorted(maps.Keys(Variants())) }

// Width returns C at stage l, counted from 0.
func (c Config) Width(l int) int { return c.Dim << l }

// Align is the number of which the sides of a network input must be multiples.
const Align = 16

// MinSide returns the smallest side of a network input. FSB's reflection needs more
// than k/2 pixels on each side of LL, which at level 3 is an eighth of the input.
func (c Config) MinSide() int {
	if !c.UseDAFMM {
		return Align
	}
	minChannels := 8 * (c.FSBKernel/2 + 1)
	return (minChannels + Align - 1) / Align * Align
}

// MinTrainingBatch returns the smallest number of samples in one training pass:
// BatchNorm has no variance of a single sample.
func (c Config) MinTrainingBatch() int {
	if c.UseDAFMM {
		return 2
	}
	return 1
}

// Hidden returns ⌊C·ratio⌋, the hidden channels of a feed-forward network with C
// channels.
func Hidden(C int, ratio float64) int { return int(float64(C) * ratio) }
