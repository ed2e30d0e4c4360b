//go:build cuda

package cuda

import (
	"math"
	"testing"

	"clusir/internal/kernels"
)

// toTF32 rounds to 10 bits of significand, ties away from zero.
func toTF32(v float32) float32 {
	return math.Float32frombits((math.Float32bits(v) + 0x1000) &^ 0x1fff)
}

// TestOperandsOfProductsAreRounded: products of experts rely on operands that their writer
// has rounded to TF32. A TF32 backend must therefore write what a float32 one does, rounded.
func TestOperandsOfProductsAreRounded(t *testing.T) {
	const C, h, H, W = 5, 7, 9, 11
	put := func(b *Backend, shape ...int) kernels.Tensor {
		p := b.Alloc(shape...)
		b.Upload(p, normals(p.Len() + len(shape))[len(shape):])
		return p
	}
	written := func(p Precision) map[string][]float32 {
		b := open(t, Options{Precision: p, Debug: true})
		l := b.layerNorm(put(b, 1, C, H, W), kernels.Norm{Weight: put(b, C), Bias: put(b, C)})
		ffn := kernels.FFN{Expand: put(b, 2*h, C), Depthwise: put(b, 2*h, 3, 3), Project: put(b, C, h)}
		e := b.newExperts(l.x, []kernels.FFN{ffn}, kernels.Tensor{})
		expanded, de := put(b, 1, 2*h, H, W), b.Alloc(1, 2*h, H, W)
		gated, again := b.Alloc(1, h, H, W), b.Alloc(1, h, H, W)
		e.gate(0, gated, expanded)
		e.gateGrad(0, expertGrads{}, de, again, expanded, put(b, 1, h, H, W))
		got := map[string][]float32{
			"u": downloaded(b, l.u), "gated": downloaded(b, gated), "gated, computed again": downloaded(b, again), "de": downloaded(b, de),
		}
		l.free(b)
		e.done()
		if err := b.Sync(); err != nil {
			t.Fatal(err)
		}
		return got
	}
	plain, tf32 := written(Float32), written(TF32)
	for what, vs := range plain {
		for i, v := range vs {
			if got := tf32[what][i]; got != toTF32(v) {
				t.Fatalf("%s[%d] is %v, of which TF32 has %v: %v was written", what, i, v, toTF32(v), got)
			}
		}
	}
}
