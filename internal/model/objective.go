package model

import (
	"clusir/internal/autograd"
	"clusir/internal/kernels"
)

// Objective holds the weights of the terms that training minimises:
//
//	L1·mean|restored − clean| + MSSSIM·(1 − MS-SSIM) + Orthogonality·mean_l orth(P_l)
//
// computed on the unclamped output. The paper names ℓ1 and MS-SSIM but gives no
// weights; the third term is its near-orthogonality constraint on the prototypes. Terms
// of weight 0 are not computed.
//
// Below Smooth, differences count by their square, divided by 2·Smooth, so that pixels
// that are nearly right do not outvote the others. The paper has no such bound: 0.
type Objective struct {
	L1            float64 `json:"l1"`
	Smooth        float64 `json:"smooth,omitempty"`
	MSSSIM        float64 `json:"ms_ssim"`
	Orthogonality float64 `json:"orthogonality"`
}

// DefaultObjective returns the weights used for training.
func DefaultObjective() Objective { return Objective{L1: 1, MSSSIM: 0.2, Orthogonality: 0.01} }

// Terms are the values of an objective and of its terms; terms that were not computed
// are 0.
type Terms struct {
	Loss          float64 `json:"loss"`
	L1            float64 `json:"l1"`
	MSSSIM        float64 `json:"ms_ssim"` // the similarity itself, not 1 minus it
	Orthogonality float64 `json:"orthogonality"`
}

// Loss is an evaluated objective on the device.
type Loss struct {
	weights    Objective
	l1, msssim *Var
	orth       []*Var // one per stage
}

// Loss evaluates the objective for a forward pass of m. Its values are valid until the
// tape's Reset. In the ℓ1 term, importance [B] scales each image's errors, before they
// are compared with Smooth; nil leaves them unscaled.
func (o Objective) Loss(t *Tape, m *ClusIR, restored, clean, importance *Var) *Loss {
	l := &Loss{weights: o}
	if o.L1 != 0 {
		x, target := restored, clean
		if importance != nil {
			x, target = t.ScaleRows(restored, importance), t.ScaleRows(clean, importance)
		}
		l.l1 = t.L1(x, target, float32(o.Smooth))
		t.Keep(l.l1)
	}
	if o.MSSSIM != 0 {
		l.msssim = t.MSSSIM(restored, clean)
		t.Keep(l.msssim)
	}
	if o.Orthogonality != 0 {
		for _, e := range m.MoE {
			orth := t.Orthogonality(e.Router.Prototypes)
			t.Keep(orth)
			l.orth = append(l.orth, orth)
		}
	}
	return l
}

// Backward adds the gradients of scale times the loss and of further terms. A scale
// below 1 is for one of several micro-batches.
func (l *Loss) Backward(t *Tape, scale float64, further ...autograd.Seed) {
	seeds := further
	add := func(v *Var, weight float64) {
		if v != nil {
			seeds = append(seeds, autograd.Seed{Of: v, Weight: float32(scale * weight)})
		}
	}
	add(l.l1, l.weights.L1)
	add(l.msssim, -l.weights.MSSSIM)
	for _, v := range l.orth {
		add(v, l.weights.Orthogonality/float64(len(l.orth)))
	}
	t.Backward(seeds...)
}

// Terms fetches the values from the device; it waits for the work that makes them.
func (l *Loss) Terms(m kernels.Memory) Terms {
	var r Terms
	if l.l1 != nil {
		r.L1 = scalar(m, l.l1)
		r.Loss += l.weights.L1 * r.L1
	}
	if l.msssim != nil {
		r.MSSSIM = scalar(m, l.msssim)
		r.Loss += l.weights.MSSSIM * (1 - r.MSSSIM)
	}
	for _, v := range l.orth {
		r.Orthogonality += scalar(m, v) / float64(len(l.orth))
	}
	r.Loss += l.weights.Orthogonality * r.Orthogonality
	return r
}

func scalar(m kernels.Memory, v *Var) float64 { return float64(autograd.Fetch(m, v.Tensor)[0]) }
