package arch

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Limits far beyond any sensible network. They keep a configuration file from
// requesting more memory than can be counted.
const (
	maxDim    = 4096
	maxBlocks = 256
	maxCount  = 64 // clusters, experts, heads, prompt components
	maxSide   = 1024
	maxRatio  = 64
)

// Fault is an invalid field and its remedy.
type Fault struct{ Field, Text string }

// Validate returns an error that names all faults.
func (c Config) Validate() error {
	var errs []error
	for _, f := range c.Faults() {
		errs = append(errs, fmt.Errorf("%s: %s", f.Field, f.Text))
	}
	if errs == nil {
		return nil
	}
	return fmt.Errorf("model configuration: %w", errors.Join(errs...))
}

// Faults checks all fields that the network uses.
func (c Config) Faults() []Fault {
	var v faults
	v.between("dim", c.Dim, 4, maxDim)
	if c.Dim%4 != 0 {
		v.add("dim", "%d is not a multiple of 4, so wavelet attention cannot quarter it: use %d", c.Dim, (c.Dim/4+1)*4)
	}
	v.list("enc_blocks", c.EncBlocks, Stages, 0, maxBlocks)
	v.list("dec_blocks", c.DecBlocks, Levels, 0, maxBlocks)
	v.between("refine_blocks", c.RefineBlocks, 0, maxBlocks)
	v.ratio("ffn_ratio", c.FFNRatio, c.Dim)
	if v.list("heads", c.Heads, Stages, 1, maxCount) {
		for l, h := range c.Heads {
			if c.Width(l)%h != 0 {
				v.add("heads", "%d at stage %d do not divide its %d channels: use a divisor", h, l+1, c.Width(l))
			}
		}
	}
	if c.UseMoE {
		v.routing(c)
	}
	if c.UseDAFMM {
		v.prompts(c)
	}
	return v
}

// routing checks the fields of PCGRM and the experts.
func (v *faults) routing(c Config) {
	v.ratio("expert_ratio", c.ExpertRatio, c.Dim)
	v.between("experts", c.Experts, 1, maxCount)
	v.topK("top_experts", c.TopExperts, "experts", c.Experts, "")
	n, k := v.list("clusters", c.Clusters, Stages, 1, maxCount), v.list("top_clusters", c.TopClusters, Stages, 1, maxCount)
	for l := 0; n && l < Stages; l++ {
		if c.Clusters[l] > c.Width(l) {
			v.add("clusters", "%d at stage %d exceed its %d channels, so their prototypes cannot be orthogonal: use fewer clusters or a larger dim",
				c.Clusters[l], l+1, c.Width(l))
		}
		if k {
			v.topK("top_clusters", c.TopClusters[l], "clusters", c.Clusters[l], fmt.Sprintf(" at stage %d", l+1))
		}
	}
	if inits := []string{PrototypesOrthogonal, PrototypesUniform}; !slices.Contains(inits, c.PrototypeInit) {
		v.add("prototype_init", "%q is unknown: use %q or %q", c.PrototypeInit, inits[0], inits[1])
	}
}

// prompts checks the fields of semantic prompts and DAFMM.
func (v *faults) prompts(c Config) {
	if !c.UseMoE {
		v.add("use_dafmm", "DAFMM needs the prompts of PCGRM: set use_moe to true or use_dafmm to false")
	}
	v.between("prompt_len", c.PromptLen, 1, maxCount)
	v.list("prompt_size", c.PromptSize, Levels, 1, maxSide)
	v.between("fsb_kernel", c.FSBKernel, 1, 63)
	if c.FSBKernel%2 == 0 {
		v.add("fsb_kernel", "%d is even, so the filter has no centre: use %d", c.FSBKernel, c.FSBKernel+1)
	}
	if v.between("fsb_groups", c.FSBGroups, 1, maxDim) && c.Dim%c.FSBGroups != 0 {
		v.add("fsb_groups", "%d do not divide dim %d: use a divisor", c.FSBGroups, c.Dim)
	}
}

type faults []Fault

func (v *faults) add(field, format string, args ...any) {
	*v = append(*v, Fault{field, fmt.Sprintf(format, args...)})
}

func (v *faults) between(field string, x, low, high int) bool {
	if x < low || x > high {
		v.add(field, "%d is out of range: use %d to %d", x, low, high)
		return false
	}
	return true
}

// list checks the length of a list and the range of its entries.
func (v *faults) list(field string, xs []int, n, low, high int) bool {
	if len(xs) != n {
		v.add(field, "%v has %d entries: give %d, one a stage", xs, len(xs), n)
		return false
	}
	ok := true
	for _, x := range xs {
		ok = v.between(field, x, low, high) && ok
	}
	return ok
}

// ratio checks that an FFN of the narrowest stage has a hidden channel.
func (v *faults) ratio(field string, r float64, dim int) {
	if math.IsNaN(r) || r <= 0 || r > maxRatio || Hidden(dim, r) < 1 {
		v.add(field, "%g leaves no sensible number of hidden channels: use a number from 1 to 4", r)
	}
}

// topK checks "keep k of n". Differs from the paper, which does not exclude k = 1: the
// softmax over one entry (Eqs. 6, 10) is constant, so the router that produced it would
// get no gradient.
func (v *faults) topK(field string, k int, of string, n int, where string) {
	switch {
	case k < 1 || k > n:
		v.add(field, "cannot keep %d of %d %s%s: use 1 to %d", k, n, of, where, n)
	case k == 1 && n > 1:
		v.add(field, "keeping 1 of %d %s%s leaves the router without a gradient: use at least 2, or a single one of %s", n, of, where, of)
	}
}
