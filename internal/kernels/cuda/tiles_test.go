//go:build cuda

package cuda

import (
	"strings"
	"testing"

	"clusir/internal/arch"
)

// Products that are small but for their sums are cut into tiles of 64×64, of which thin
// layers fill little, and into as many blocks as keep a GPU busy: both of the weight
// gradients of 1×1 convolutions and experts in a step of the base model.
func TestWeightGradientsFillTheirTiles(t *testing.T) {
	const leastFull, schedulers = 0.7, 108 * 4
	warpsOfBlock := 4 * dwGroups(TF32)
	config := arch.Base()
	b := idle(t, TF32)
	run := newPass(t, b, config, timedCase{TF32, true, 12, 128, 128})
	n := newCounter(t, a100, config)
	var useful, wide, all, blocks, launches float64
	b.watch = func(l *launched) {
		before := n.costs[l.kernel.name].macs
		n.add(l)
		macs := float64(n.costs[l.kernel.name].macs - before)
		rows, columns := 0, 0
		switch name := l.kernel.name; {
		case strings.HasPrefix(name, "conv1x1_dw"):
			rows, columns = int(n.factor(l, "O")), int(n.factor(l, "C"))
		case strings.HasPrefix(name, "experts_") && strings.Contains(name, "_dw_tf32"):
			rows, columns = int(n.factor(l, "M")), int(n.factor(l, "N"))
		}
		if rows == 0 || macs == 0 {
			return
		}
		share := func(width int) float64 {
			return float64(rows*columns) / float64(ceil(rows, tileM)*tileM*ceil(columns, width)*width)
		}
		useful, all, wide = useful+macs, all+macs/share(tileM), wide+macs/share(tileN)
		blocks, launches = blocks+float64(l.grid.x*l.grid.y*l.grid.z), launches+1
	}
	run()
	_ = b.Sync() // an idle backend's fault
	warps := blocks / launches * float64(warpsOfBlock) / schedulers
	t.Logf("%.0f launches: %.1f %% of the tiles' products are useful, of tiles of 64×128 %.1f %%; %.1f warps a scheduler", launches, 100*useful/all, 100*useful/wide, warps)
	if useful < leastFull*all || warps < 3.5 {
		t.Errorf("%.1f %% of the tiles' products are useful, and %.1f warps a scheduler; %.0f %% and 3.5 are needed", 100*useful/all, warps, 100*leastFull)
	}
}
