package arch

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestVariantsAreValid(t *testing.T) {
	for name, c := range Variants() {
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestValidate: the error for each violation names its field and a remedy.
func TestValidate(t *testing.T) {
	for _, c := range []struct {
		break_ func(c *Config)
		want   string
	}{
		{func(c *Config) { c.Dim = 50 }, "dim: 50 is not a multiple of 4, so wavelet attention cannot quarter it: use 52"},
		{func(c *Config) { c.Dim = 0 }, "dim: 0 is out of range: use 4 to 4096"},
		{func(c *Config) { c.Dim = 1 << 40 }, "dim: 1099511627776 is out of range"},
		{func(c *Config) { c.EncBlocks = []int{1, 2} }, "enc_blocks: [1 2] has 2 entries: give 4"},
		{func(c *Config) { c.DecBlocks = []int{1, -2, 3} }, "dec_blocks: -2 is out of range: use 0 to"},
		{func(c *Config) { c.EncBlocks = []int{1, 2, 3, 1 << 30} }, "enc_blocks: 1073741824 is out of range: use 0 to 256"},
		{func(c *Config) { c.RefineBlocks = -1 }, "refine_blocks: -1 is out of range"},
		{func(c *Config) { c.Heads = []int{1, 2, 4, 7} }, "heads: 7 at stage 4 do not divide its 384 channels"},
		{func(c *Config) { c.Heads = []int{0, 2, 4, 8} }, "heads: 0 is out of range: use 1 to"},
		{func(c *Config) { c.FFNRatio = math.NaN() }, "ffn_ratio: NaN"},
		{func(c *Config) { c.FFNRatio = 1e9 }, "ffn_ratio: 1e+09 leaves no sensible number of hidden channels: use"},
		{func(c *Config) { c.ExpertRatio = 0.001 }, "expert_ratio: 0.001"},
		{func(c *Config) { c.TopClusters = []int{2, 1, 2, 2} }, "top_clusters: keeping 1 of 3 clusters at stage 2 leaves the router without a gradient: use at least 2"},
		{func(c *Config) { c.TopClusters = []int{2, 4, 2, 2} }, "top_clusters: cannot keep 4 of 3 clusters at stage 2: use 1 to 3"},
		{func(c *Config) { c.Clusters = []int{60, 3, 3, 3} }, "clusters: 60 at stage 1 exceed its 48 channels"},
		{func(c *Config) { c.Clusters = nil }, "clusters: [] has 0 entries: give 4"},
		{func(c *Config) { c.TopExperts = 1 }, "top_experts: keeping 1 of 4 experts leaves the router without a gradient"},
		{func(c *Config) { c.TopExperts = 5 }, "top_experts: cannot keep 5 of 4 experts: use 1 to 4"},
		{func(c *Config) { c.Experts = 0 }, "experts: 0 is out of range"},
		{func(c *Config) { c.PrototypeInit = "zero" }, `prototype_init: "zero" is unknown: use "orthogonal" or "uniform"`},
		{func(c *Config) { c.UseMoE = false }, "use_dafmm: DAFMM needs the prompts of PCGRM: set use_moe to true or use_dafmm to false"},
		{func(c *Config) { c.PromptLen = 0 }, "prompt_len: 0 is out of range"},
		{func(c *Config) { c.PromptSize = []int{8, 4} }, "prompt_size: [8 4] has 2 entries: give 3"},
		{func(c *Config) { c.FSBKernel = 4 }, "fsb_kernel: 4 is even, so the filter has no centre: use 5"},
		{func(c *Config) { c.FSBGroups = 7 }, "fsb_groups: 7 do not divide dim 48"},
	} {
		config := Base()
		c.break_(&config)
		if err := config.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// TestValidateNamesAll: one error names several violations.
func TestValidateNamesAll(t *testing.T) {
	c := Base()
	c.Dim, c.Experts, c.FSBKernel = 50, 0, 2
	err := c.Validate()
	for _, field := range []string{"dim", "experts", "fsb_kernel"} {
		if err == nil || !strings.Contains(err.Error(), field+":") {
			t.Errorf("error %v does not name %s", err, field)
		}
	}
}

// TestIdleFieldsAreFree: fields that an ablation does not use are not checked.
func TestIdleFieldsAreFree(t *testing.T) {
	c := Base()
	c.UseMoE, c.UseDAFMM = false, false
	c.Clusters, c.Experts, c.FSBGroups, c.PromptSize = nil, 0, 7, nil
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if c.MinSide() != 16 || c.MinTrainingBatch() != 1 {
		t.Errorf("least side %d, least batch %d", c.MinSide(), c.MinTrainingBatch())
	}
}

// TestMinSide: at level 3, LL is an eighth of the input and must exceed k/2.
func TestMinSide(t *testing.T) {
	for kernel, want := range map[int]int{1: 16, 3: 16, 5: 32, 7: 32, 9: 48} {
		c := Base()
		c.FSBKernel = kernel
		if got := c.MinSide(); got != want {
			t.Errorf("kernel %d: least side %d, want %d", kernel, got, want)
		}
	}
}

// TestConfigJSON: the names in checkpoints are the reference's.
func TestConfigJSON(t *testing.T) {
	const text = `{"dim":8,"enc_blocks":[2,1,1,1],"dec_blocks":[1,1,1],"refine_blocks":1,"heads":[1,2,4,8],"ffn_ratio":2.66,
		"clusters":[3,3,4,4],"top_clusters":[2,2,3,2],"experts":3,"top_experts":2,"expert_ratio":1,"prompt_len":5,
		"prompt_size":[40,6,4],"fsb_kernel":5,"fsb_groups":4,"prototype_init":"uniform","use_moe":true,"use_dafmm":true}`
	var c, again Config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if compact := strings.Join(strings.Fields(text), ""); string(b) != compact {
		t.Errorf("got %s, want %s", b, compact)
	}
	if err := json.Unmarshal(b, &again); err != nil || !reflect.DeepEqual(c, again) {
		t.Errorf("%+v is read back as %+v, %v", c, again, err)
	}
}
