package cpu

import (
	"testing"

	"clusir/internal/kernels"
)

// level is a stage of a network whose operations are timed.
type level struct {
	name           string
	B, C, side     int
	heads          int
	hidden, expert int // channels within a WTB's FFN and within an expert's
}

// levels are base's four stages for an image of 128², and the first one of nano
// in training.
var levels = []level{
	{"base1", 1, 48, 128, 1, 144, 60},
	{"base2", 1, 96, 64, 2, 288, 120},
	{"base3", 1, 192, 32, 4, 576, 240},
	{"base4", 1, 384, 16, 8, 1152, 480},
	{"nano1", 4, 16, 128, 1, 32, 16},
}

// pixels returns the number of pixels in the batch.
func (l level) pixels() int { return l.B * l.side * l.side }

// features returns [B,c,side/over,side/over].
func (l level) features(be *Backend, c, over int) kernels.Tensor {
	return random(be, l.B, c, l.side/over, l.side/over)
}

func randomNorm(be *Backend, C int) kernels.Norm {
	return kernels.Norm{Weight: random(be, C), Bias: random(be, C)}
}

// benchLevels times, at each level, what setup returns with the number of its
// multiply-accumulates.
func benchLevels(b *testing.B, setup func(be *Backend, l level) (macs int, run func())) {
	for _, l := range levels {
		b.Run(l.name, func(b *testing.B) {
			macs, run := setup(open(b, 0, ""), l)
			for b.Loop() {
				run()
			}
			b.ReportMetric(float64(macs)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
		})
	}
}

func BenchmarkConv1x1(b *testing.B) {
	benchLevels(b, func(be *Backend, l level) (int, func()) {
		y, w := l.features(be, l.C, 1), random(be, l.C, 2*l.C)
		x1, x2 := l.features(be, l.C, 1), l.features(be, l.C, 1)
		return l.pixels() * 2 * l.C * l.C, func() { be.Conv1x1(y, w, kernels.Tensor{}, x1, x2) }
	})
}

func BenchmarkConv1x1Grad(b *testing.B) {
	benchLevels(b, func(be *Backend, l level) (int, func()) {
		dy, w, dw := l.features(be, l.C, 1), random(be, l.C, 2*l.C), random(be, l.C, 2*l.C)
		x1, x2 := l.features(be, l.C, 1), l.features(be, l.C, 1)
		dxs := []kernels.Tensor{l.features(be, l.C, 1), l.features(be, l.C, 1)}
		return 2 * l.pixels() * 2 * l.C * l.C, func() { be.Conv1x1Grad(dxs, dw, kernels.Tensor{}, dy, w, x1, x2) }
	})
}

func BenchmarkConv3x3(b *testing.B) {
	benchLevels(b, func(be *Backend, l level) (int, func()) {
		y, x, w := l.features(be, l.C, 1), l.features(be, l.C, 1), random(be, l.C, l.C, 3, 3)
		return l.pixels() * 9 * l.C * l.C, func() { be.Conv3x3(y, x, w) }
	})
}

func BenchmarkConv3x3Grad(b *testing.B) {
	benchLevels(b, func(be *Backend, l level) (int, func()) {
		dy, x, dx := l.features(be, l.C, 1), l.features(be, l.C, 1), l.features(be, l.C, 1)
		w, dw := random(be, l.C, l.C, 3, 3), random(be, l.C, l.C, 3, 3)
		return 2 * l.pixels() * 9 * l.C * l.C, func() { be.Conv3x3Grad(dx, dw, dy, x, w) }
	})
}

func BenchmarkWaveletReduce(b *testing.B) {
	benchLevels(b, func(be *Backend, l level) (int, func()) {
		y, x, n, w := l.features(be, l.C, 2), l.features(be, l.C, 1), randomNorm(be, l.C), random(be, l.C/4, l.C)
		return l.pixels() * l.C * l.C / 4, func() { be.WaveletReduce(y, x, n, w) }
	})
}

func BenchmarkWaveletReduceGrad(b *testing.B) {
	benchLevels(b, func(be *Backend, l level) (int, func()) {
		dy, x, dx := l.features(be, l.C, 2), l.features(be, l.C, 1), l.features(be, l.C, 1)
		n, dn, w, dw := randomNorm(be, l.C), randomNorm(be, l.C), random(be, l.C/4, l.C), random(be, l.C/4, l.C)
		return 2 * l.pixels() * l.C * l.C / 4, func() { be.WaveletReduceGrad(dx, dn, dw, dy, x, n, w) }
	})
}

// attentionMACs returns the MACs of AttentionMap, at half the side.
func attentionMACs(l level) int { return l.pixels() / 4 * (3*l.C*l.C + 2*l.C*l.C/l.heads) }

func BenchmarkAttentionMap(b *testing.B) {
	benchLevels(b, func(be *Backend, l level) (int, func()) {
		m, s, qkv, temperature := random(be, l.B, l.C, l.C), l.features(be, l.C, 2), random(be, 3*l.C, l.C), random(be, l.heads)
		return attentionMACs(l), func() { be.AttentionMap(m, s, qkv, temperature) }
	})
}

func BenchmarkAttentionMapGrad(b *testing.B) {
	benchLevels(b, func(be *Backend, l level) (int, func()) {
		dm, s, ds := random(be, l.B, l.C, l.C), l.features(be, l.C, 2), l.features(be, l.C, 2)
		qkv, dqkv, temperature, dtemperature := random(be, 3*l.C, l.C), random(be, 3*l.C, l.C), random(be, l.heads), random(be, l.heads)
		return 2 * attentionMACs(l), func() { be.AttentionMapGrad(ds, dqkv, dtemperature, dm, s, qkv, temperature) }
	})
}

func BenchmarkWaveletMerge(b *testing.B) {
	benchLevels(b, func(be *Backend, l level) (int, func()) {
		y, x, s := l.features(be, l.C, 1), l.features(be, l.C, 1), l.features(be, l.C, 2)
		m, w := random(be, l.B, l.C, l.C), random(be, l.C, l.C/2)
		return l.pixels() * l.C * l.C / 2, func() { be.WaveletMerge(y, x, s, m, w) }
	})
}

func BenchmarkWaveletMergeGrad(b *testing.B) {
	benchLevels(b, func(be *Backend, l level) (int, func()) {
		dy, s, ds := l.features(be, l.C, 1), l.features(be, l.C, 2), l.features(be, l.C, 2)
		m, dm, w, dw := random(be, l.B, l.C, l.C), random(be, l.B, l.C, l.C), random(be, l.C, l.C/2), random(be, l.C, l.C/2)
		return 2 * l.pixels() * l.C * l.C / 2, func() { be.WaveletMergeGrad(ds, dm, dw, dy, s, m, w) }
	})
}

func randomFFN(be *Backend, C, hidden int) kernels.FFN {
	return kernels.FFN{Expand: random(be, 2*hidden, C), Depthwise: random(be, 2*hidden, 3, 3), Project: random(be, C, hidden)}
}

// ffnMACs returns the MACs of one gated FFN at every pixel of the batch.
func ffnMACs(l level, hidden int) int { return l.pixels() * hidden * (3*l.C + 18) }

func BenchmarkGatedFFN(b *testing.B) {
	benchLevels(b, func(be *Backend, l level) (int, func()) {
		y, x, n := l.features(be, l.C, 1), l.features(be, l.C, 1), randomNorm(be, l.C)
		ffn := []kernels.FFN{randomFFN(be, l.C, l.hidden)}
		return ffnMACs(l, l.hidden), func() { be.GatedFFN(y, x, n, ffn, kernels.Tensor{}) }
	})
}

func BenchmarkGatedFFNGrad(b *testing.B) {
	benchLevels(b, func(be *Backend, l level) (int, func()) {
		dy, x, dx := l.features(be, l.C, 1), l.features(be, l.C, 1), l.features(be, l.C, 1)
		n, dn := randomNorm(be, l.C), randomNorm(be, l.C)
		ffn, dffn := []kernels.FFN{randomFFN(be, l.C, l.hidden)}, []kernels.FFN{randomFFN(be, l.C, l.hidden)}
		return 2 * ffnMACs(l, l.hidden), func() {
			be.GatedFFNGrad(dx, dn, dffn, kernels.Tensor{}, dy, x, n, ffn, kernels.Tensor{})
		}
	})
}

// BenchmarkExperts routes each sample to four of twelve experts.
func BenchmarkExperts(b *testing.B) {
	const experts, routed = 12, 4
	benchLevels(b, func(be *Backend, l level) (int, func()) {
		y, x, n := l.features(be, l.C, 1), l.features(be, l.C, 1), randomNorm(be, l.C)
		var ffns []kernels.FFN
		for range experts {
			ffns = append(ffns, randomFFN(be, l.C, l.expert))
		}
		route := be.Alloc(l.B, experts)
		be.Fill(route, 0)
		for i := range l.B {
			for k := range routed {
				Floats(route)[i*experts+(i+3*k)%experts] = 0.25
			}
		}
		return routed * ffnMACs(l, l.expert), func() { be.GatedFFN(y, x, n, ffns, route) }
	})
}

// randomFuse returns weights of a Fuse from k channels to c.
func randomFuse(be *Backend, c, k int) kernels.Fuse {
	return kernels.Fuse{W1: random(be, c, k), B1: random(be, c), W2: random(be, c, c), B2: random(be, c)}
}

// fusion returns the operands of the fusion of LL's spectrum, at half the side, and its
// number of multiply-accumulates.
func (l level) fusion(be *Backend) (z func() kernels.Tensor, amplitude, phase func() kernels.Fuse, macs int) {
	s := spectrumOf(kernels.Shape{l.B, l.C, l.side / 2, l.side / 2})
	z = func() kernels.Tensor { return random(be, s...) }
	amplitude = func() kernels.Fuse { return randomFuse(be, l.C, 2*l.C) }
	phase = func() kernels.Fuse { return randomFuse(be, l.C, 4*l.C) }
	return z, amplitude, phase, l.B * s[2] * s[3] * 8 * l.C * l.C
}

func BenchmarkSpectralFusion(b *testing.B) {
	benchLevels(b, func(be *Backend, l level) (int, func()) {
		spectrum, amplitude, phase, macs := l.fusion(be)
		y, z, low, a, p := spectrum(), spectrum(), spectrum(), amplitude(), phase()
		return macs, func() { be.SpectralFusion(y, z, low, a, p) }
	})
}

func BenchmarkSpectralFusionGrad(b *testing.B) {
	benchLevels(b, func(be *Backend, l level) (int, func()) {
		spectrum, amplitude, phase, macs := l.fusion(be)
		dz, dl, dy, z, low := spectrum(), spectrum(), spectrum(), spectrum(), spectrum()
		da, dp, a, p := amplitude(), phase(), amplitude(), phase()
		return 2 * macs, func() { be.SpectralFusionGrad(dz, dl, da, dp, dy, z, low, a, p) }
	})
}
