//go:build cuda

package cuda

import (
	"maps"
	"testing"

	"clusir/internal/kernels"
)

// With a route, the device counts the multiply-accumulates of the experts that
// run, in whichever round; without one the host does.
func TestExpertMACs(t *testing.T) {
	b := open(t, Options{Precision: BF16})
	const B, C, h, H, W, E = 2, 5, 3, 4, 6, 6
	const job = C * h * H * W // multiply-accumulates of Project
	zeros := func(shape ...int) kernels.Tensor {
		x := b.Alloc(shape...)
		b.Fill(x, 0)
		return x
	}
	x, y, route := zeros(B, C, H, W), zeros(B, C, H, W), zeros(B, E)
	b.Upload(route, []float32{1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1})
	n := kernels.Norm{Weight: zeros(C), Bias: zeros(C)}
	one := kernels.FFN{Expand: zeros(2*h, C), Depthwise: zeros(2*h, 3, 3), Project: zeros(C, h)}
	all := []kernels.FFN{one, one, one, one, one, one}
	live, _, _ := b.MemoryUse()

	for _, c := range []struct {
		name  string
		run   func()
		macs  map[string]int64 // in units of Project's
		gates map[string]int64 // of the depthwise filter's
	}{
		{"unrouted", func() { b.GatedFFN(y, x, n, all[:1], kernels.Tensor{}) },
			map[string]int64{"experts_expand_fwd_bf16": 2 * B, "experts_project_fwd_bf16": B}, map[string]int64{"gate_fwd": B}},
		{"routed", func() { b.GatedFFN(y, x, n, all, route) },
			map[string]int64{"experts_expand_fwd_bf16": 12, "experts_project_fwd_bf16": 6}, map[string]int64{"gate_fwd": 6}},
		{"every gradient", func() { b.GatedFFNGrad(y, n, all[:1], kernels.Tensor{}, x, x, n, all[:1], kernels.Tensor{}) },
			map[string]int64{"experts_expand_fwd_bf16": 2 * B, "experts_project_dx_bf16": B, "experts_expand_dx_bf16": 2 * B,
				"experts_expand_dw_bf16": 2 * B, "experts_project_dw_bf16": B}, map[string]int64{"gate_grad": 3 * B}},
		{"routed, the route's gradient", func() {
			b.GatedFFNGrad(kernels.Tensor{}, kernels.Norm{}, make([]kernels.FFN, E), zeros(B, E), x, x, n, all, route)
		}, map[string]int64{"experts_expand_fwd_bf16": 12, "experts_project_dx_bf16": 6}, map[string]int64{"gate_grad": 18}},
	} {
		before := b.MACs()
		c.run()
		got := b.MACs()
		for name, n := range got {
			if got[name] = n - before[name]; got[name] == 0 {
				delete(got, name)
			}
		}
		want := map[string]int64{}
		for name, n := range c.macs {
			want[name] = n * job
		}
		for name, n := range c.gates {
			want[name] = n * 18 * h * H * W
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", c.name, got, want)
		}
	}
	const tally = granule
	if now, _, _ := b.MemoryUse(); now != live+2*tally+granule { // of two kinds of run, and droute
		t.Errorf("%d bytes in use after the runs, %d before", now, live)
	}
}
