package train

import (
	"math"
	"strings"

	"clusir/internal/autograd"
	"clusir/internal/kernels"
	"clusir/internal/model"
)

// Muon (Jordan et al., 2024) replaces the momentum of a weight matrix by the nearest
// matrix with orthonormal rows or columns, so that a step changes all directions
// alike. With the factor of [Moonlight] the elements of an update are on average as
// large as Adam's, which keeps the other parameters, at the same learning rate.
//
// [Moonlight]: https://arxiv.org/abs/2502.16982
const (
	muonMomentum = 0.95
	muonRMS      = 0.2
	muonLeast    = 8 // inputs and outputs of a matrix that has enough directions
)

// newtonSchulz holds the coefficients of p(σ) = aσ + bσ³ + cσ⁵, which five times in a row
// takes every singular value of a matrix of norm 1 above 0.002 to between 0.68 and
// 1.21.
var newtonSchulz = struct{ a, b, c float32 }{3.4445, -4.7750, 2.0315}

// isMatrix reports whether Muon updates a parameter: the weights of linear layers and
// of convolutions between channels, but not those of the image's three.
func isMatrix(p *model.Param) bool {
	s := p.Shape
	return strings.HasSuffix(p.Name, ".weight") && len(s) >= 2 && s[0] >= muonLeast && s[1] >= muonLeast
}

// muonStep updates the matrices that a sample reached:
// m = μm + (1−μ)g, p −= lr · 0.2 √max(O,K) · orth(μm + (1−μ)g).
func (o *optimizer) muonStep(lr float64) {
	b := o.b
	var counted kernels.Tensor
	var counts []float32
	for _, p := range o.matrices {
		if r := p.Reached; !r.IsZero() {
			if r.Data != counted.Data { // those of a stage's experts follow each other
				counted, counts = r.Tensor, autograd.Fetch(b, r.Tensor)
			}
			if counts[r.Index] == 0 {
				continue
			}
		}
		rows, columns := p.Param.Shape[0], p.Param.Len()/p.Param.Shape[0]
		u := b.Alloc(rows, columns)
		b.Average([]kernels.Tensor{p.M}, []kernels.Tensor{p.Grad}, 1-muonMomentum)
		b.Copy(u, p.M)
		b.Average([]kernels.Tensor{u}, []kernels.Tensor{p.Grad}, 1-muonMomentum)
		orthogonalize(b, u)
		b.Add(p.Param, p.Param, u, float32(-lr*muonRMS*math.Sqrt(float64(max(rows, columns)))))
		b.Free(u)
	}
}

// orthogonalize replaces u [O,K] = U diag(σ) Vᵀ by U diag(p(p(p(p(p(σ/‖σ‖₂)))))) Vᵀ.
// Its products are 1×1 convolutions of images of one row.
func orthogonalize(b kernels.Backend, u kernels.Tensor) {
	rows, columns := u.Shape[0], u.Shape[1]
	side, wide := min(rows, columns), rows <= columns
	none := kernels.Tensor{}
	image := func(t kernels.Tensor) kernels.Tensor { return t.Reshape(1, t.Shape[0], 1, t.Shape[1]) }
	buffer, gram, scaled, poly := b.Alloc(rows, columns), b.Alloc(side, side), b.Alloc(side, side), b.Alloc(side, side)
	x, y := buffer, u
	b.Normalize(x.Reshape(1, x.Len()), u.Reshape(1, u.Len()))
	for range 5 { // an odd number, so that the last result is in u
		// A = XXᵀ or XᵀX, whichever is smaller.
		b.Clear(gram)
		if wide {
			b.Conv1x1Grad([]kernels.Tensor{none}, gram, none, image(x), poly, image(x))
		} else {
			b.Conv1x1Grad([]kernels.Tensor{image(gram)}, none, none, image(x), x, image(poly))
		}
		// P = bA + cA².
		b.Clear(scaled)
		b.Add(scaled, scaled, gram, newtonSchulz.c)
		b.Conv1x1(image(poly), gram, none, image(scaled))
		b.Add(poly, poly, gram, newtonSchulz.b)
		// The next X = aX + PX or aX + XP.
		if wide {
			b.Conv1x1(image(y), poly, none, image(x))
		} else {
			b.Conv1x1(image(y), x, none, image(poly))
		}
		b.Add(y, y, x, newtonSchulz.a)
		x, y = y, x
	}
	for _, t := range []kernels.Tensor{buffer, gram, scaled, poly} {
		b.Free(t)
	}
}
