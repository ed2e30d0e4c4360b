package cpu

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"clusir/internal/kernels"
)

// benchShapes are the planes whose transforms are timed: the first stages of base and
// tiny at 128², the decoder's levels in training, and a size with an odd factor.
var benchShapes = []kernels.Shape{{1, 48, 128, 128}, {1, 16, 128, 128}, {8, 48, 64, 64}, {8, 192, 16, 16}, {1, 48, 248, 248}}

// random returns a tensor of N(0,1).
func random(b *Backend, shape ...int) kernels.Tensor {
	t, r := b.Alloc(shape...), rand.New(rand.NewPCG(1, 2))
	for i := range Floats(t) {
		Floats(t)[i] = float32(r.NormFloat64())
	}
	return t
}

// spectrumOf returns the shape of the spectrum of planes of shape s.
func spectrumOf(s kernels.Shape) kernels.Shape {
	return kernels.Shape{s[0], 2 * s[1], s[2], s[3]/2 + 1}
}

// benchPlanes times what setup returns, for each shape in benchShapes.
func benchPlanes(b *testing.B, setup func(be *Backend, s kernels.Shape) func()) {
	for _, s := range benchShapes {
		b.Run(fmt.Sprintf("%dx%dx%dx%d", s[0], s[1], s[2], s[3]), func(b *testing.B) {
			run := setup(open(b, 0, ""), s)
			b.SetBytes(int64(4 * s.Len()))
			for b.Loop() {
				run()
			}
		})
	}
}

func BenchmarkRFFT2(b *testing.B) {
	benchPlanes(b, func(be *Backend, s kernels.Shape) func() {
		x, z := random(be, s...), be.Alloc(spectrumOf(s)...)
		return func() { be.RFFT2(z, x, 1, false) }
	})
}

func BenchmarkIRFFT2(b *testing.B) {
	benchPlanes(b, func(be *Backend, s kernels.Shape) func() {
		x, z := be.Alloc(s...), random(be, spectrumOf(s)...)
		return func() { be.IRFFT2(x, z, 1, false) }
	})
}
