package model

import (
	"encoding/json"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/testnet"
)

// TestCost compares the counts with those of PyTorch's FlopCounterMode (halved) for the
// reference at 128×128.
func TestCost(t *testing.T) {
	for _, c := range []struct {
		variant      string
		params, macs int64
	}{
		{"base", 55_674_691, 29_197_933_248},
		{"small", 25_273_347, 13_223_798_400},
		{"tiny", 6_715_331, 3_491_153_984},
	} {
		cost, err := CostOf(arch.Variants()[c.variant], 1, 128, 128)
		if err != nil {
			t.Fatal(err)
		}
		if cost.Params != c.params || cost.MACs != c.macs {
			t.Errorf("%s: %d parameters, %d MACs; want %d and %d", c.variant, cost.Params, cost.MACs, c.params, c.macs)
		}
		t.Logf("%s: %d parameters, %.2f GMACs, at most %.1f MB besides the weights", c.variant, cost.Params, cost.GMACs(),
			float64(cost.PeakValues-cost.Params)*4/1e6)
	}
}

func TestCostRefusesSizes(t *testing.T) {
	for _, s := range [][2]int{{127, 128}, {0, 16}} {
		if _, err := CostOf(arch.Base(), 1, s[0], s[1]); err == nil || !strings.Contains(err.Error(), "multiples of 16") {
			t.Errorf("%v: error %v", s, err)
		}
	}
}

// FuzzConfig: any JSON configuration in a checkpoint is either refused or can be built,
// at a countable cost.
func FuzzConfig(f *testing.F) {
	for _, c := range []arch.Config{testnet.Small(), arch.Base(), arch.Variants()["nano"]} {
		b, err := json.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"dim":4,"use_dafmm":false,"clusters":[1,2],"heads":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := arch.Base()
		if json.Unmarshal(b, &c) != nil || c.Validate() != nil {
			return
		}
		side := c.MinSide()
		cost, err := CostOf(c, 1, side, side)
		if err != nil || cost.Params <= 0 || cost.MACs <= 0 || cost.PeakValues < cost.Params {
			t.Errorf("%s: cost %+v, error %v", b, cost, err)
		}
	})
}
