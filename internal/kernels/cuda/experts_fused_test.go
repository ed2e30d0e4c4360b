//go:build cuda

package cuda

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/kernels"
)

// The kernel is the narrowest that fits, if the device has the shared memory for it.
func TestFusedWidth(t *testing.T) {
	const a100, rtx4090, none = 163 << 10, 99 << 10, 0
	for _, c := range []struct{ channels, shared, want int }{
		{1, a100, 16}, {16, a100, 16}, {17, a100, 32}, {48, a100, 48}, {49, a100, 64}, {96, a100, 96}, {97, a100, 0},
		{64, rtx4090, 64}, {96, rtx4090, 0}, {16, none, 0},
	} {
		if got := (&Backend{sharedPerBlock: c.shared}).fusedWidth(c.channels); got != c.want {
			t.Errorf("%d channels, %d bytes: width %d, want %d", c.channels, c.shared, got, c.want)
		}
	}
	for _, c := range []struct {
		precision              Precision
		channels, shared, want int
	}{
		{BF16, 1, a100, 16}, {BF16, 43, a100, 48}, {BF16, 96, a100, 96}, {BF16, 97, a100, 0},
		{BF16, 32, rtx4090, 32}, {BF16, 48, rtx4090, 0}, {BF16, 16, none, 0}, {TF32, 16, a100, 0}, {Float32, 16, a100, 0},
	} {
		if got := (&Backend{precision: c.precision, sharedPerBlock: c.shared}).fusedGradWidth(c.channels); got != c.want {
			t.Errorf("gradient, %s, %d channels, %d bytes: width %d, want %d", c.precision, c.channels, c.shared, got, c.want)
		}
	}
}

// fusedSlack is how far the norm of what the fused kernel adds to x may be from that of
// separate kernels: they sum in another order, so that some operands are rounded
// differently, by 2⁻¹⁰ or 2⁻⁸ of themselves. At bf16 the separate kernels also round the
// hidden channels that they store, by up to 2⁻⁹, and the gate multiplies two of them: 4e-3.
var fusedSlack = map[Precision]float64{Float32: 1e-6, TF32: 1e-4, BF16: 5e-3}

// The fused kernel computes the same as those for each product, at every width and
// precision.
func TestFusedFFN(t *testing.T) {
	for _, p := range precisions {
		b := open(t, Options{Precision: p, Debug: true})
		for _, s := range []struct{ B, C, H, W, h, E int }{
			{1, 16, 16, 32, 32, 1}, // whole tiles
			{2, 13, 9, 19, 21, 1},
			{1, 32, 10, 18, 40, 3},
			{2, 43, 7, 22, 17, 2},
			{1, 60, 11, 5, 16, 1},
			{1, 96, 9, 17, 36, 2},
			{1, 90, 3, 33, 19, 1},
		} {
			t.Run(fmt.Sprintf("%s/%+v", p, s), func(t *testing.T) { compareFused(t, b, s.B, s.C, s.H, s.W, s.h, s.E) })
		}
	}
}

// compareFused compares the two on random data, with a route that leaves out the first
// expert of the first sample.
func compareFused(t *testing.T, b *Backend, B, C, H, W, h, E int) {
	put := random(b)
	x, y := put(1, B, C, H, W), b.Alloc(B, C, H, W)
	n := kernels.Norm{Weight: put(1, C), Bias: put(1, C)}
	var fs []kernels.FFN
	for range E {
		fs = append(fs, kernels.FFN{
			Expand: put(1/math.Sqrt(float64(C)), 2*h, C), Depthwise: put(1./3, 2*h, 3, 3), Project: put(1/math.Sqrt(float64(h)), C, h),
		})
	}
	var route kernels.Tensor
	if E > 1 {
		weights := normals(B * E)
		weights[0] = 0
		route = uploaded(b, weights...).Reshape(B, E)
	}
	added := func(shared int) []float64 {
		defer func(before int) { b.sharedPerBlock = before }(b.sharedPerBlock)
		b.sharedPerBlock = shared
		b.Fill(y, float32(math.NaN()))
		b.GatedFFN(y, x, n, fs, route)
		got, base := downloaded(b, y), downloaded(b, x)
		diff := make([]float64, len(got))
		for i := range got {
			diff[i] = float64(got[i]) - float64(base[i])
		}
		return diff
	}
	if b.fusedWidth(C) == 0 {
		t.Fatalf("no fused kernel for %d channels", C)
	}
	want, got := added(0), added(b.sharedPerBlock)
	if err := b.Sync(); err != nil {
		t.Fatal(err)
	}
	narrow := make([]float32, len(got))
	for i, v := range got {
		narrow[i] = float32(v)
	}
	within(t, fusedSlack[b.precision], "y − x", narrow, want)
}

// fullHD is the inference of a picture of 1920×1080, whose height is padded.
var fullHD = timedCase{TF32, false, 1, 1088, 1920}

// feedForward counts the launches and bytes of the feed-forward networks in an inference
// of the base model, with a device's shared memory, and their layer norms.
func feedForward(t *testing.T, pass timedCase, shared int) (sum cost) {
	b := idle(t, pass.precision)
	b.sharedPerBlock = shared
	run := newPass(t, b, arch.Base(), pass)
	n := newCounter(t, a100, arch.Base())
	b.watch = func(l *launched) {
		name := l.kernel.name
		if strings.HasPrefix(name, "experts_") || strings.HasPrefix(name, "gate_") || name == "layer_norm_fwd" {
			n.add(l)
		}
	}
	run()
	_ = b.Sync() // an idle backend's fault
	for _, c := range n.costs {
		sum.launches, sum.bytes, sum.seconds = sum.launches+c.launches, sum.bytes+c.bytes, sum.seconds+c.seconds
	}
	return sum
}

// Fusing saves at least 60 % of the memory traffic of the feed-forward networks.
func TestFusedTraffic(t *testing.T) {
	before, after := feedForward(t, fullHD, 0), feedForward(t, fullHD, a100Shared)
	saved := 1 - float64(after.bytes)/float64(before.bytes)
	t.Logf("%.1f GB in %d launches, fused %.1f GB in %d: %.1f %% saved", float64(before.bytes)/1e9, before.launches, float64(after.bytes)/1e9, after.launches, 100*saved)
	if saved < 0.6 {
		t.Errorf("fusing saves %.1f %% of the bytes, fewer than 60 %%", 100*saved)
	}
}
