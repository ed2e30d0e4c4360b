package model

// Stages is the number of encoder stages; the decoder has one level less.
const (
	Stages = 4
	Levels = Stages - 1
)

// Values of Config.PrototypeInit (Table 9).
const (
	PrototypesOrthogonal = "orthogonal"
	PrototypesUniform    = "uniform"
)

// Config is the shape of a network: everything that its weights depend on.
// The JSON names are those in the metadata of checkpoints.
type Config struct {
	Dim           int     `json:"dim"`           // width of stage 1
	EncBlocks     []int   `json:"enc_blocks"`    // WTBs of stages 1..4
	DecBlocks     []int   `json:"dec_blocks"`    // WTBs of decoder levels 1..3
	RefineBlocks  int     `json:"refine_blocks"` // WTBs before the head
	Heads         []int   `json:"heads"`         // attention heads of stages 1..4
	FFNRatio      float64 `json:"ffn_ratio"`     // hidden channels of a WTB's FFN over its width
	Clusters      []int   `json:"clusters"`      // N at stages 1..4 (Table 5)
	TopClusters   []int   `json:"top_clusters"`  // K1 at stages 1..4
	Experts       int     `json:"experts"`       // M, experts of a cluster
	TopExperts    int     `json:"top_experts"`   // K2
	ExpertRatio   float64 `json:"expert_ratio"`  // hidden channels of an expert over its width
	PromptLen     int     `json:"prompt_len"`    // prompt components of a PGB
	PromptSize    []int   `json:"prompt_size"`   // their sides at levels 1..3
	FSBKernel     int     `json:"fsb_kernel"`    // k of the dynamic low-pass filter
	FSBGroups     int     `json:"fsb_groups"`    // groups of channels that share one
	PrototypeInit string  `json:"prototype_init"`
	UseMoE        bool    `json:"use_moe"`   // Table 4 (b): PCGRM and its experts
	UseDAFMM      bool    `json:"use_dafmm"` // Table 4 (c)
}

// DefaultConfig is the paper's base model.
func DefaultConfig() Config {
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

// Variants are the models that have a name. The paper gives widths, parameters
// and FLOPs of the first three, not their block counts: these are the ones
// that meet its table. nano is ours, small enough to be trained on two cores.
func Variants() map[string]Config {
	sized := func(dim int) Config {
		c := DefaultConfig()
		c.Dim = dim
		return c
	}
	return map[string]Config{"base": sized(48), "small": sized(32), "tiny": sized(16), "nano": nano()}
}

// nano spends its blocks where pixels are many: of shapes of equal cost, those
// with several at the decoder's full resolution learned to denoise fastest.
func nano() Config {
	c := DefaultConfig()
	c.Dim = 16
	c.EncBlocks, c.DecBlocks, c.RefineBlocks = []int{2, 2, 2, 1}, []int{3, 2, 2}, 5
	c.FFNRatio, c.ExpertRatio = 2, 1
	c.Experts, c.TopExperts = 3, 2
	c.PromptSize = []int{16, 16, 16}
	return c
}

// Width is C at stage l, which counts from 0.
func (c Config) Width(l int) int { return c.Dim << l }

// Align is what the sides of a network input must be multiples of.
const Align = 16

// MinSide is the least side of a network input. FSB's reflection needs more
// than k/2 pixels on each side of LL, which at level 3 is an eighth of the input.
func (c Config) MinSide() int {
	if !c.UseDAFMM {
		return Align
	}
	least := 8 * (c.FSBKernel/2 + 1)
	return (least + Align - 1) / Align * Align
}

// MinTrainingBatch is the least number of samples that one training pass
// needs: BatchNorm has no variance of a single one.
func (c Config) MinTrainingBatch() int {
	if c.UseDAFMM {
		return 2
	}
	return 1
}

// hidden is ⌊C·ratio⌋.
func hidden(C int, ratio float64) int { return int(float64(C) * ratio) }
