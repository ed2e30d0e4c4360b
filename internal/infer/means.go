package infer

import (
	"clusir/internal/autograd"
	"clusir/internal/model"
)

// Means returns the means of v [1,C,H,W] over squares whose side is a power of two, one
// per row: [H/side·W/side,C]. It computes them on v's device with Haar transforms: LL
// is twice the mean of 2×2 pixels.
func (n *Network) Means(v *model.Var, side int) []float32 {
	x, scale := v, float32(1)
	for ; side > 1; side /= 2 {
		fine := x
		if fine != v {
			fine = autograd.Last(fine)
		}
		x = n.tape.Block(func() *model.Var {
			ll, _ := n.tape.DWT(fine)
			return ll
		})
		scale /= 2
	}
	C, pixels := x.Shape[1], x.Shape[2]*x.Shape[3]
	planes := n.tape.Fetch(x)
	rows := make([]float32, pixels*C)
	for c := range C {
		for i := range pixels {
			rows[i*C+c] = scale * planes[c*pixels+i]
		}
	}
	return rows
}
