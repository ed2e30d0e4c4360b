//go:build cuda

package cuda

import (
	"math"

	"clusir/internal/kernels"
)

// fft holds the extents of a transform between x [B,C,H,W] and its spectrum.
type fft struct{ planes, C, H, W, width int }

func newFFT(op string, x, z kernels.Tensor) fft {
	f := fft{x.Shape[0] * x.Shape[1], x.Shape[1], x.Shape[2], x.Shape[3], x.Shape[3]/2 + 1}
	check(f.H%2 == 0 && f.W%2 == 0 && z.Len() == 2*f.planes*f.H*f.width, op, x, z)
	return f
}

// scale makes the transform orthonormal.
func (f fft) scale() float32 { return float32(1 / math.Sqrt(float64(f.H)*float64(f.W))) }

// RFFT2 is the orthonormal 2-D FFT.
func (b *Backend) RFFT2(z, x kernels.Tensor, inner float32, add bool) {
	if z.IsZero() {
		return
	}
	f := newFFT("RFFT2", x, z)
	v := b.Alloc(z.Shape...)
	b.lines("rfft_rows", f.W, f.planes*f.H/2, rowNumbers, v, x, f.planes, f.C, f.H, f.W)
	b.lines("fft_columns", f.H, f.planes*f.width, columnNumbers, z, v,
		f.planes, f.C, f.H, f.width, f.scale(), inner, 0, add && !b.fresh(z))
	b.Free(v)
}

// IRFFT2 is the orthonormal inverse of RFFT2.
func (b *Backend) IRFFT2(x, z kernels.Tensor, inner float32, add bool) {
	if x.IsZero() {
		return
	}
	f := newFFT("IRFFT2", x, z)
	v := b.Alloc(z.Shape...)
	b.lines("fft_columns", f.H, f.planes*f.width, columnNumbers, v, z,
		f.planes, f.C, f.H, f.width, float32(1), float32(1), 1, 0)
	b.lines("irfft_rows", f.W, f.planes*f.H/2, rowNumbers, x, v,
		f.planes, f.C, f.H, f.W, f.scale(), inner, add && !b.fresh(x))
	b.Free(v)
}

// The number of complex numbers per block if its lines are short: enough for a pass to
// give each thread some. Columns are read 16 together if they fit into 64 KB.
const (
	rowNumbers    = 1024
	columnNumbers = 4096
	mostLines     = 16

	lineBytes  = 16        // of shared memory for a complex number
	mostShared = 160 << 10 // for a block of an A100
)

// lines launches a kernel on `count` lines of n complex numbers: y from x, and the
// extents and factors that it takes.
func (b *Backend) lines(kernel string, n, count, numbers int, y, x kernels.Tensor, rest ...any) {
	L := mostLines
	for L > 1 && n*L > numbers {
		L /= 2
	}
	g := grid{x: ceil(count, L), y: 1, z: 1, shared: lineBytes * n * L}
	var room kernels.Tensor
	if g.shared > mostShared {
		kernel, g.shared = kernel+"_long", 0
		room = b.Alloc(g.x, n, 4)
	}
	b.launch(kernel, g, append([]any{y, x, room, b.rootsOf(n), L}, rest...)...)
	b.Free(room)
}

// rootsOf returns e^(−2πik/n), k < n, computed once for each length.
func (b *Backend) rootsOf(n int) kernels.Tensor {
	if t, ok := b.roots[n]; ok {
		return t
	}
	v := make([]float32, 2*n)
	for k := range n {
		s, c := math.Sincos(-2 * math.Pi * float64(k) / float64(n))
		v[2*k], v[2*k+1] = float32(c), float32(s)
	}
	t := b.Alloc(n, 2)
	b.Upload(t, v)
	b.roots[n] = t
	return t
}
