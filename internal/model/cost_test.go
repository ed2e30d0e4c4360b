package model

import (
	"strings"
	"testing"
)

// TestCost holds the counts to those of PyTorch's FlopCounterMode (halved) for
// the reference at 128×128.
func TestCost(t *testing.T) {
	for _, c := range []struct {
		variant      string
		params, macs int64
	}{
		{"base", 55_674_691, 29_197_933_248},
		{"small", 25_273_347, 13_223_798_400},
		{"tiny", 6_715_331, 3_491_153_984},
	} {
		cost, err := Variants()[c.variant].Cost(1, 128, 128)
		if err != nil {
			t.Fatal(err)
		}
		if cost.Params != c.params || cost.MACs != c.macs {
			t.Errorf("%s: %d parameters, %d MACs; want %d and %d", c.variant, cost.Params, cost.MACs, c.params, c.macs)
		}
		t.Logf("%s: %d parameters, %.2f GMACs, at most %.1f MB beside the weights", c.variant, cost.Params, cost.GMACs(),
			float64(cost.PeakValues-cost.Params)*4/1e6)
	}
}

func TestCostRefusesSizes(t *testing.T) {
	for _, s := range [][2]int{{127, 128}, {0, 16}} {
		if _, err := DefaultConfig().Cost(1, s[0], s[1]); err == nil || !strings.Contains(err.Error(), "multiples of 16") {
			t.Errorf("%v: error %v", s, err)
		}
	}
}
