//go:build cuda

package cuda

import (
	"fmt"
	"math"
	"testing"

	"clusir/internal/kernels"
)

// Layer norm and its gradient compared with plain sums in float64, with each of the
// optional tensors present and absent.
func TestLayerNorm(t *testing.T) {
	for _, s := range []struct{ B, C, h, w int }{{2, 5, 3, 3}, {1, 70, 6, 10}, {3, 33, 1, 41}} {
		t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
			b := open(t, Options{Debug: true})
			P := s.h * s.w
			x, du, residual := normals(s.B*s.C*P), normals(s.B*s.C*P + 1)[1:], normals(s.B*s.C*P + 2)[2:]
			weight, bias := normals(s.C), normals(s.C + 1)[1:]
			put := func(v []float32, shape ...int) kernels.Tensor {
				p := b.Alloc(shape...)
				b.Upload(p, v)
				return p
			}
			l := b.layerNorm(put(x, s.B, s.C, s.h, s.w), kernels.Norm{Weight: put(weight, s.C), Bias: put(bias, s.C)})
			dx, with, dn := zeros(b, s.B, s.C, P), zeros(b, s.B, s.C, P), kernels.Norm{Weight: zeros(b, s.C), Bias: zeros(b, s.C)}
			tdu := put(du, s.B, s.C, P)
			b.layerNormGrad("layer_norm_grad", dx, kernels.Norm{}, l, tdu, kernels.Tensor{})
			b.layerNormGrad("layer_norm_grad", with, kernels.Norm{}, l, tdu, put(residual, s.B, s.C, P))
			b.layerNormGrad("layer_norm_grad", kernels.Tensor{}, kernels.Norm{Weight: dn.Weight}, l, tdu, kernels.Tensor{})
			b.layerNormGrad("layer_norm_grad", kernels.Tensor{}, kernels.Norm{Bias: dn.Bias}, l, tdu, kernels.Tensor{})
			gotU, gotX, gotWith := downloaded(b, l.u), downloaded(b, dx), downloaded(b, with)
			gotWeight, gotBias := downloaded(b, dn.Weight), downloaded(b, dn.Bias)
			b.free(l.u, l.stats)
			if err := b.Sync(); err != nil {
				t.Fatal(err)
			}
			u, wantX, wantWeight, wantBias := plainNorm(s.B, s.C, P, x, du, weight, bias)
			near(t, "u", gotU, u)
			near(t, "dx", gotX, wantX)
			near(t, "dweight", gotWeight, wantWeight)
			near(t, "dbias", gotBias, wantBias)
			for i, r := range residual {
				wantX[i] += float64(r)
			}
			near(t, "dx with the residual", gotWith, wantX)
		})
	}
}

// plainNorm computes layer norm and its gradients pixel by pixel.
func plainNorm(B, C, P int, x, du, weight, bias []float32) (u, dx, dweight, dbias []float64) {
	u, dx, dweight, dbias = make([]float64, len(x)), make([]float64, len(x)), make([]float64, C), make([]float64, C)
	for i := range B * P {
		at := func(c int) int { return (i/P*C+c)*P + i%P }
		mean, variance, g, gx := 0.0, 0.0, 0.0, 0.0
		for c := range C {
			mean += float64(x[at(c)]) / float64(C)
		}
		for c := range C {
			variance += math.Pow(float64(x[at(c)])-mean, 2) / float64(C)
		}
		std := math.Sqrt(variance + 1e-5)
		hat := func(c int) float64 { return (float64(x[at(c)]) - mean) / std }
		for c := range C {
			d, w := float64(du[at(c)]), float64(weight[c])
			u[at(c)] = w*hat(c) + float64(bias[c])
			dweight[c] += d * hat(c)
			dbias[c] += d
			g, gx = g+w*d/float64(C), gx+w*d*hat(c)/float64(C)
		}
		for c := range C {
			dx[at(c)] = (float64(weight[c])*float64(du[at(c)]) - g - hat(c)*gx) / std
		}
	}
	return u, dx, dweight, dbias
}

// A kernel finds tensors through a table of their addresses.
func TestAddresses(t *testing.T) {
	b := open(t, Options{})
	x := uploaded(b, 1, 2, 3)
	table := downloaded(b, b.addresses(x, kernels.Tensor{}, x))
	for i, want := range []uint64{uint64(b.buffer(x).addr), 0, uint64(b.buffer(x).addr)} {
		if got := uint64(math.Float32bits(table[2*i])) | uint64(math.Float32bits(table[2*i+1]))<<32; got != want {
			t.Errorf("address %d is %#x, want %#x", i, got, want)
		}
	}
}
