//go:build cuda

package cuda

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"clusir/internal/kernels"
)

// rounding is how each precision rounds an operand.
var rounding = map[Precision]func(float32) float32{
	Float32: func(x float32) float32 { return x },
	TF32: func(x float32) float32 { // 10 bits, ties away from zero
		return math.Float32frombits((math.Float32bits(x) + 0x1000) &^ 0x1fff)
	},
	BF16: func(x float32) float32 { // 7 bits, ties to even
		u := math.Float32bits(x)
		return math.Float32frombits((u + 0x7fff + u>>16&1) &^ 0xffff)
	},
}

// At each precision the results equal those of rounded operands, to within float32's
// error, so they deviate from the exact results by what rounding alone causes.
func TestConv1x1Precision(t *testing.T) {
	for _, p := range precisions {
		for _, s := range []struct{ b, o, c1, c2, h, w int }{
			{2, 70, 36, 100, 12, 14}, // more than one tile on each side, 16 bytes at a time
			{1, 65, 5, 14, 11, 13},   // rows that start anywhere
		} {
			t.Run(fmt.Sprintf("%s/%+v", p, s), func(t *testing.T) {
				b := open(t, Options{Precision: p, Debug: true})
				w, dy := normals(s.o*(s.c1+s.c2)), normals(s.b*s.o*s.h*s.w)
				x1, x2 := normals(s.b*s.c1*s.h*s.w), normals(s.b*s.c2*s.h*s.w)
				put := func(v []float32, shape ...int) kernels.Tensor {
					x := b.Alloc(shape...)
					b.Upload(x, v)
					return x
				}
				tw := put(w, s.o, s.c1+s.c2)
				tx := []kernels.Tensor{put(x1, s.b, s.c1, s.h, s.w), put(x2, s.b, s.c2, s.h, s.w)}
				tdy, y := put(dy, s.b, s.o, s.h, s.w), b.Alloc(s.b, s.o, s.h, s.w)
				dw, dx2 := put(make([]float32, len(w)), tw.Shape...), put(make([]float32, len(x2)), tx[1].Shape...)

				b.Conv1x1(y, tw, kernels.Tensor{}, tx...)
				b.Conv1x1Grad([]kernels.Tensor{{}, dx2}, dw, kernels.Tensor{}, tdy, tw, tx...)
				gotY, gotW, gotX := downloaded(b, y), downloaded(b, dw), downloaded(b, dx2)
				if err := b.Sync(); err != nil {
					t.Fatal(err)
				}

				for _, operand := range [][]float32{w, dy, x1, x2} {
					for i, v := range operand {
						operand[i] = rounding[p](v)
					}
				}
				wantY, wantW, wantX := products(s.b, s.o, s.c1, s.c2, s.h*s.w, w, dy, x1, x2)
				p.near(t, s.c1+s.c2, "y", gotY, wantY)
				p.near(t, s.b*s.h*s.w, "dw", gotW, wantW)
				p.near(t, s.o, "dx", gotX, wantX)
			})
		}
	}
}

func normals(n int) []float32 {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// products computes y, dw and the second dx of a convolution of two sources.
func products(B, O, C1, C2, P int, w, dy, x1, x2 []float32) (y, dw, dx []float64) {
	C := C1 + C2
	y, dw, dx = make([]float64, len(dy)), make([]float64, len(w)), make([]float64, len(x2))
	for b := range B {
		for c := range C {
			x, second := x1, c >= C1
			at := (b*C1 + c) * P
			if second {
				x, at = x2, (b*C2+c-C1)*P
			}
			for o := range O {
				for p := range P {
					i := (b*O+o)*P + p
					y[i] += float64(w[o*C+c]) * float64(x[at+p])
					dw[o*C+c] += float64(dy[i]) * float64(x[at+p])
					if second {
						dx[at+p] += float64(w[o*C+c]) * float64(dy[i])
					}
				}
			}
		}
	}
	return y, dw, dx
}

// near requires the error's norm to be within 1e-6 of the result's.
func near(t *testing.T, name string, got []float32, want []float64) {
	t.Helper()
	within(t, 1e-6, name, got, want)
}

// near requires a sum of terms products to be as exact as float32 or tensor cores
// allow: the latter truncate, every 4 to 16 products, bits that the partial sum cannot
// hold. Truncation errors do not cancel, so they grow with the number of products: on
// an A100 by some 3e-9 of the result's norm for each.
func (p Precision) near(t *testing.T, terms int, name string, got []float32, want []float64) {
	t.Helper()
	limit := 1e-6
	if p != Float32 {
		limit += 1.5e-8 * float64(terms)
	}
	within(t, limit, name, got, want)
}

func within(t *testing.T, limit float64, name string, got []float32, want []float64) {
	t.Helper()
	e := distance(got, want)
	if t.Logf("%s is off by %.2g of its norm, at most %.2g", name, e, limit); !(e <= limit) {
		t.Errorf("%s is off by %.2g of its norm, more than %.2g", name, e, limit)
	}
}

// distance returns the norm of got − want, relative to that of want.
func distance(got []float32, want []float64) float64 {
	var off, size float64
	for i, w := range want {
		d := float64(got[i]) - w
		off, size = off+d*d, size+w*w
	}
	return math.Sqrt(off / size)
}

// The speed of the software device limits what tests can afford; on a GPU this is the
// speed of the kernel.
func BenchmarkConv1x1(bm *testing.B) {
	for _, p := range precisions {
		bm.Run(string(p), func(bm *testing.B) {
			b := open(bm, Options{Precision: p})
			const B, O, C, P = 2, 128, 64, 1024
			x, w, y := b.Alloc(B, C, P, 1), b.Alloc(O, C), b.Alloc(B, O, P, 1)
			b.Fill(x, 1)
			b.Fill(w, 1)
			for bm.Loop() {
				b.Conv1x1(y, w, kernels.Tensor{}, x)
				if err := b.Sync(); err != nil {
					bm.Fatal(err)
				}
			}
			bm.ReportMetric(2*B*O*C*P*float64(bm.N)/bm.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

// Operands are rounded to TF32, ties away from zero, and values that are not finite
// stay so.
func TestRoundingToTF32(t *testing.T) {
	b := open(t, Options{Precision: TF32})
	var x, want []float32
	for _, c := range [][2]float32{
		{1 + 0x1p-11, 1 + 0x1p-10}, {1 + 0x1p-11 - 0x1p-23, 1}, {1 + 3*0x1p-11, 1 + 2*0x1p-10}, {2 - 0x1p-12, 2},
		{0x1.002p-126, 0x1.004p-126}, {math.MaxFloat32, float32(math.Inf(1))}, {float32(math.Inf(1)), float32(math.Inf(1))}, {0, 0},
	} {
		x, want = append(x, c[0], -c[0]), append(want, c[1], -c[1])
	}
	for _, bits := range []uint32{0x7fffffff, 0xffffffff, 0x7f800001, 0xffc00000} {
		x, want = append(x, math.Float32frombits(bits)), append(want, float32(math.NaN()))
	}
	y, w := b.Alloc(1, 1, 1, len(x)), uploaded(b, 1).Reshape(1, 1)
	b.Conv1x1(y, w, kernels.Tensor{}, uploaded(b, x...).Reshape(1, 1, 1, len(x)))
	for i, got := range downloaded(b, y) {
		if got != want[i] && !(math.IsNaN(float64(got)) && math.IsNaN(float64(want[i]))) {
			t.Errorf("%x is rounded to %x, want %x", x[i], got, want[i])
		}
	}
	if err := b.Sync(); err != nil {
		t.Error(err)
	}
}
