//go:build cuda

package cuda

import (
	"fmt"
	"testing"

	"clusir/internal/kernels"
)

// At each precision the results equal those of rounded operands, to within float32's
// error, with more than one tile on each side and in every layout of y.
func TestConv3x3Precision(t *testing.T) {
	shapes := []struct {
		name          string
		B, C, O, H, W int
		y             kernels.Shape
	}{
		{"plain", 2, 68, 72, 9, 12, kernels.Shape{2, 72, 9, 12}},
		{"plain odd", 1, 67, 65, 5, 7, kernels.Shape{1, 65, 5, 7}},
		{"unshuffle", 1, 20, 70, 10, 12, kernels.Shape{1, 280, 5, 6}},
		{"shuffle", 1, 20, 68, 9, 10, kernels.Shape{1, 17, 18, 20}},
	}
	for _, p := range precisions {
		for _, s := range shapes {
			t.Run(fmt.Sprintf("%s/%s", p, s.name), func(t *testing.T) {
				b := open(t, Options{Precision: p, Debug: true})
				x, w, dy := normals(s.B*s.C*s.H*s.W), normals(s.O*s.C*9), normals(s.y.Len())
				put := func(v []float32, shape ...int) kernels.Tensor {
					x := b.Alloc(shape...)
					b.Upload(x, v)
					return x
				}
				tx, tw, tdy := put(x, s.B, s.C, s.H, s.W), put(w, s.O, s.C, 3, 3), put(dy, s.y...)
				y := b.Alloc(s.y...)
				dx, dw := put(make([]float32, len(x)), tx.Shape...), put(make([]float32, len(w)), tw.Shape...)

				b.Conv3x3(y, tx, tw)
				b.Conv3x3Grad(dx, dw, tdy, tx, tw)
				got := [][]float32{downloaded(b, y), downloaded(b, dx), downloaded(b, dw)}
				if err := b.Sync(); err != nil {
					t.Fatal(err)
				}

				want := conv3x3Of(s.B, s.C, s.O, s.H, s.W, s.y, rounded(x, p), rounded(w, p), rounded(dy, p))
				for i, name := range []string{"y", "dx", "dw"} {
					p.near(t, []int{9 * s.C, 9 * s.O, s.B * s.H * s.W}[i], name, got[i], want[i])
				}
			})
		}
	}
}

// rounded returns v rounded to a precision.
func rounded(v []float32, p Precision) []float64 {
	r := make([]float64, len(v))
	for i, x := range v {
		r[i] = float64(rounding[p](x))
	}
	return r
}

// conv3x3Of computes y, dx and dw, each by its formula, with y stored in the given
// shape.
func conv3x3Of(B, C, O, H, W int, stored kernels.Shape, x, w, dy []float64) [3][]float64 {
	y, dx, dw := make([]float64, len(dy)), make([]float64, len(x)), make([]float64, len(w))
	at := func(b, o, i, j int) int {
		switch stored[2] {
		case H / 2:
			return ((b*4*O+4*o+2*(i%2)+j%2)*(H/2)+i/2)*(W/2) + j/2
		case 2 * H:
			return ((b*O/4+o/4)*2*H+2*i+o%4/2)*2*W + 2*j + o%2
		}
		return ((b*O+o)*H+i)*W + j
	}
	for k := range B * O * C * H * W {
		j, i, c, o, b := k%W, k/W%H, k/W/H%C, k/W/H/C%O, k/W/H/C/O
		to := at(b, o, i, j)
		for tap := range 9 {
			u, v := i+tap/3-1, j+tap%3-1
			if u < 0 || u >= H || v < 0 || v >= W {
				continue
			}
			from, weight := ((b*C+c)*H+u)*W+v, (o*C+c)*9+tap
			y[to] += w[weight] * x[from]
			dx[from] += w[weight] * dy[to]
			dw[weight] += dy[to] * x[from]
		}
	}
	return [3][]float64{y, dx, dw}
}
