package infer

import "clusir/internal/model"

// Means are the means of v [1,C,H,W] over squares of a side that is a power of
// two, one a row: [H/side·W/side,C]. They are taken where v is, by Haar
// transforms: LL is twice the mean of 2×2 pixels.
func (n *Network) Means(v *model.Var, side int) []float32 {
	x, scale := v, float32(1)
	for ; side > 1; side /= 2 {
		ll, bands := n.tape.DWT(x)
		n.tape.Release(bands)
		if x != v {
			n.tape.Release(x)
		}
		x, scale = ll, scale/2
	}
	C, pixels := x.Shape[1], x.Shape[2]*x.Shape[3]
	planes := make([]float32, C*pixels)
	n.b.Download(planes, x.Tensor)
	if x != v {
		n.tape.Release(x)
	}
	rows := make([]float32, pixels*C)
	for c := range C {
		for i := range pixels {
			rows[i*C+c] = scale * planes[c*pixels+i]
		}
	}
	return rows
}
